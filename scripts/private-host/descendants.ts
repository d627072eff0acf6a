import { readdir, readFile } from 'node:fs/promises'
import { identifyProcess, type ProcessIdentity } from '../../host-daemon/system/processes.ts'

/** The parent's pid; undefined where the process has ended. Field 4 of proc(5)'s stat, behind the command's name. */
async function parentOf(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined)
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

async function childrenByParent(): Promise<Map<number, number[]>> {
  const children = new Map<number, number[]>()
  for (const pid of (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name)).map(Number)) {
    const parent = await parentOf(pid)
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  return children
}

/** Children of the process, their children and so on, as they are now. */
export async function descendantsOf(root: ProcessIdentity): Promise<ProcessIdentity[]> {
  const children = await childrenByParent()
  const below = (pid: number): number[] => (children.get(pid) ?? []).flatMap((child) => [child, ...below(child)])
  const identities = await Promise.all(below(root.pid).map(identifyProcess))
  return identities.filter((identity) => identity !== undefined)
}
