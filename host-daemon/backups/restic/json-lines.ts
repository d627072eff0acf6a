/** Longer than any line restic has reason to write: names of 255 bytes, paths of 4,096, each byte escaped. */
const MAX_LINE_BYTES = 1024 * 1024
const NEWLINE = 0x0a

export type JsonObject = Readonly<Record<string, unknown>>

/** The object that a line is, or undefined when it is anything else. */
export function jsonObjectOf(line: string): JsonObject | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as JsonObject
  } catch {
    return undefined
  }
}

/**
 * The lines of a stream as they come, without their newline, in bounded memory. Bytes that are not UTF-8 become
 * U+FFFD. Throws a `RangeError` on a line of more than 1 MiB.
 */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    let data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE)) {
      yield data.toString('utf8', 0, end)
      data = data.subarray(end + 1)
    }
    if (data.length > MAX_LINE_BYTES) throw new RangeError('restic wrote a line of more than 1 MiB.')
    rest = data
  }
  if (rest.length > 0) yield rest.toString('utf8')
}

/** The JSON objects among the lines of a stream; whatever else a version prints beside them is passed over. */
export async function* jsonObjectsOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<JsonObject> {
  for await (const line of linesOf(chunks)) {
    const object = jsonObjectOf(line)
    if (object !== undefined) yield object
  }
}
