import { defineStore } from 'pinia'
import { readonly, ref } from 'vue'

const TICK_MS = 1000

/** The console's clock for everything on screen that ages, one tick a second. */
export const useClockStore = defineStore('clock', () => {
  const now = ref(Date.now())
  let timer: ReturnType<typeof setTimeout> | undefined

  function tick(): void {
    now.value = Date.now()
    timer = setTimeout(tick, TICK_MS - (now.value % TICK_MS))
  }

  function start(): void {
    if (timer === undefined) tick()
  }

  function stop(): void {
    clearTimeout(timer)
    timer = undefined
  }

  return { now: readonly(now), start, stop }
})
