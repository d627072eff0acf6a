import { useToast } from '@nuxt/ui/composables'
import type { Failure } from '../../src-shared/error.ts'
import { copyText } from '../lib/save.ts'

/** Tells of a refusal where the screen has no place of its own for it. */
export function useFailureToast(): (title: string, failure: Failure) => void {
  const toast = useToast()
  return (title, failure) => {
    const copy = { label: 'Copy request id', color: 'neutral' as const, variant: 'outline' as const }
    toast.add({
      title,
      description: `${failure.message} ${failure.hint}`,
      icon: 'i-lucide-triangle-alert',
      color: 'error',
      duration: 12_000,
      actions: failure.requestId === '' ? [] : [{ ...copy, onClick: () => void copyText(failure.requestId) }],
    })
  }
}
