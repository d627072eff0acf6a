/**
 * The few globals that every runtime of ours has, for this folder's own type check only: it is compiled with
 * neither the DOM's nor Node's types, so that nothing runtime-specific can slip in.
 */
interface AbortSignal {
  readonly aborted: boolean
  readonly reason: unknown
  throwIfAborted(): void
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}
declare const AbortSignal: {
  timeout(ms: number): AbortSignal
  any(signals: readonly AbortSignal[]): AbortSignal
}
