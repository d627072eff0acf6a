import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { createGunzip, createGzip, type Gzip } from 'node:zlib'
import { syncDirectory } from './files.ts'

/** Quick rather than small. */
const LEVEL = 3
/** Lines go to the compressor in pieces of at least so many characters. */
const PIECE = 64 * 1024
/** A longer line is no line of ours. */
const LONGEST_LINE = 1024 * 1024

/** Takes the next line, without its end; to be awaited before the next one. */
export type PutLine = (line: string) => Promise<void> | void

/**
 * Makes `path`, or replaces it whole, from lines, in bounded memory. Durable when it resolves; when it rejects, what was
 * there is untouched. One at a time for a path: what a dead one left beside it is written over.
 */
export async function writeGzipLines(path: string, produce: (put: PutLine) => Promise<void>): Promise<void> {
  const making = makingOf(path)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  try {
    await writeTo(making, produce)
    await rename(making, path)
  } catch (error) {
    await rm(making, { force: true })
    throw error
  }
  await syncDirectory(dirname(path))
}

/** Removes the file and whatever a dead one left of its making; nothing where there is none. */
export async function removeGzipLines(path: string): Promise<void> {
  await Promise.all([path, makingOf(path)].map((file) => rm(file, { force: true })))
}

function makingOf(path: string): string {
  return `${path}.making`
}

async function writeTo(making: string, produce: (put: PutLine) => Promise<void>): Promise<void> {
  const file = await open(making, 'w', 0o600)
  try {
    const gzip = createGzip({ level: LEVEL })
    const written = writeAll(gzip, file)
    // Told where it is awaited; until then a failure must not count as nobody's.
    written.catch(() => undefined)
    try {
      await feed(gzip, written, produce)
    } catch (error) {
      gzip.destroy()
      await written.catch((failure: unknown) => {
        if (!isOfDestroyed(failure)) throw failure
      })
      throw error
    }
    await written
    await file.sync()
  } finally {
    await file.close()
  }
}

function isOfDestroyed(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE'
}

async function writeAll(gzip: Gzip, file: FileHandle): Promise<void> {
  for await (const chunk of gzip as AsyncIterable<Buffer>) await file.writeFile(chunk)
}

async function feed(gzip: Gzip, written: Promise<void>, produce: (put: PutLine) => Promise<void>): Promise<void> {
  let piece = ''
  const flush = async () => {
    const isReady = gzip.write(piece)
    piece = ''
    // A file that takes nothing more says so itself; the compressor then never would.
    if (!isReady) await Promise.race([once(gzip, 'drain'), written])
  }
  await produce((line) => {
    if (gzip.destroyed) throw gzip.errored ?? new Error('The file could not be written.')
    piece += `${line}\n`
    return piece.length < PIECE ? undefined : flush()
  })
  gzip.end(piece)
}

/** The lines of such a file, some at a time, in bounded memory. Throws for one that is cut off, damaged or none. */
export async function* readGzipLines(path: string): AsyncGenerator<string[], void> {
  const chunks = pipeline(createReadStream(path), createGunzip(), () => undefined) as AsyncIterable<Buffer>
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > LONGEST_LINE) throw new Error('A line is longer than any line may be.')
    if (lines.length > 0) yield lines
  }
  if (rest !== '') throw new Error('The last line is cut off.')
}
