/** Wakes one waiter; a call made while nobody waits is remembered for the next wait. */
export class Latch {
  private isSet = false
  private wake: (() => void) | undefined

  set(): void {
    this.isSet = true
    this.wake?.()
  }

  async wait(): Promise<void> {
    if (!this.isSet) await new Promise<void>((resolve) => (this.wake = resolve))
    this.wake = undefined
    this.isSet = false
  }
}
