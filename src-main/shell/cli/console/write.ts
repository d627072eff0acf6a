import { once } from 'node:events'

/** Resolves when the stream can take more, so that a slow reader bounds what is held here. */
export async function writeWithBackPressure(
  stream: NodeJS.WritableStream,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  if (!stream.write(bytes)) await once(stream, 'drain', { signal })
}
