import { computed, type ComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'

export const MOST_CONSOLES = 6

/** Which consoles stand side by side, in the address, so that a reload and a bookmark keep them. */
export function usePickedConsoles(): {
  keys: ComputedRef<string[]>
  add: (key: string) => void
  remove: (key: string) => void
} {
  const route = useRoute()
  const router = useRouter()
  const keys = computed(() => {
    const show = route.query['show']
    return typeof show === 'string'
      ? show
          .split(',')
          .filter((key) => key !== '')
          .slice(0, MOST_CONSOLES)
      : []
  })
  function put(next: readonly string[]): void {
    void router.replace({ path: route.path, query: next.length === 0 ? {} : { show: next.join(',') } })
  }
  return {
    keys,
    add: (key) => put([...keys.value.filter((each) => each !== key), key].slice(0, MOST_CONSOLES)),
    remove: (key) => put(keys.value.filter((each) => each !== key)),
  }
}
