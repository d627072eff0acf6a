import type { Disposable } from '../../../../src-shared/lib/disposable.ts'

/** Ctrl-]: never sent to the guest. */
export const DETACH_KEY = 0x1d

interface KeyboardOptions {
  readonly stdin: NodeJS.ReadStream
  readonly onTyped: (bytes: Uint8Array) => void
  readonly onDetach: () => void
}

/** Gives the terminal's keys to the guest as they are typed, all but the detach key, until disposed. */
export function attachKeyboard({ stdin, onTyped, onDetach }: KeyboardOptions): Disposable {
  const onData = (typed: Buffer) => {
    const end = typed.indexOf(DETACH_KEY)
    const bytes = end < 0 ? typed : typed.subarray(0, end)
    if (bytes.byteLength > 0) onTyped(bytes)
    if (end >= 0) onDetach()
  }
  stdin.setRawMode(true)
  stdin.on('data', onData)
  stdin.resume()
  return {
    dispose: () => {
      stdin.off('data', onData)
      stdin.setRawMode(false)
      stdin.pause()
    },
  }
}
