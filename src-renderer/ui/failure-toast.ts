import { useToast } from '@nuxt/ui/composables'
import { useRouter } from 'vue-router'
import type { Failure } from '../../src-shared/error.ts'
import { copyText } from '../lib/save.ts'

type Tell = (title: string, failure: Failure) => void

/** Tells of a refusal where the screen has no place of its own for it. */
export function useFailureToast(): Tell {
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

/** The same for whoever presses now; silent once that screen has been left. Call it at the press. */
export function useFailureHere(): () => Tell {
  const tell = useFailureToast()
  const router = useRouter()
  return () => {
    const here = router.currentRoute.value.path
    return (title, failure) => {
      if (router.currentRoute.value.path === here) tell(title, failure)
    }
  }
}
