import { appendFile, readFile } from 'node:fs/promises'
import type { Environment } from '../../../src-shared/model/environment.ts'
import { waitFor } from '../../support/wait-for.ts'
import type { Lane } from './lane.ts'

let lines = 0

/** Has the guest of a running environment run `commands` in its shell; resolves when it has said that they are done. */
export async function runAtPrompt(lane: Lane, { boot }: Environment, commands: string): Promise<void> {
  const sql = 'SELECT record FROM boots WHERE id = ?'
  const record = JSON.parse(lane.query<{ record: string }>(sql, boot?.id ?? '')[0]?.record ?? '{}') as {
    journalPath: string
    handles: { consolePipe: string }
  }
  const said = `done-${(lines += 1)}-${boot?.id ?? ''}`
  // What is typed is echoed: split in two, it is not what is waited for.
  await appendFile(`${record.handles.consolePipe}.in`, `${commands}; echo ${said.slice(0, 4)}"${said.slice(4)}"\n`)
  await waitFor('the guest to be done', async () =>
    (await readFile(record.journalPath, 'latin1')).includes(`\n${said}`),
  )
}
