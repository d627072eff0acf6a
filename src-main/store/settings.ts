import type { z } from 'zod'
import type { Db } from './database.ts'

/** Small things that this console remembers, such as the size of its window. */
export class Settings {
  private readonly db: Db

  constructor(db: Db) {
    this.db = db
  }

  /** Undefined where nothing was kept, or what was kept does not fit the schema any more. */
  get<T>(name: string, schema: z.ZodType<T>): T | undefined {
    const row = this.db.prepare<[string], { value: string }>('SELECT value FROM settings WHERE name = ?').get(name)
    return row === undefined ? undefined : schema.safeParse(JSON.parse(row.value)).data
  }

  set(name: string, value: unknown): void {
    this.db.prepare('INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)').run(name, JSON.stringify(value))
  }
}
