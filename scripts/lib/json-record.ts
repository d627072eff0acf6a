import { readFile } from 'node:fs/promises'
import type { z } from 'zod'

/** What a record of ours says; undefined where there is none, or where whoever wrote it was ended half-way. */
export async function readJsonRecord<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  try {
    return text === undefined ? undefined : schema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
