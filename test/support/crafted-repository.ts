import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { recoveryPointIdSchema, type RecoveryPointId } from '../../src-shared/model/ids.ts'
import { masterKeys, seal, sha256, type Keys } from './restic-keys.ts'

/** A node of a tree as restic keeps it; names, targets and types are whatever the test wants. */
export interface CraftedNode {
  readonly name: string
  readonly type: 'file' | 'dir' | 'symlink' | 'dev' | 'chardev' | 'fifo' | 'socket'
  readonly mode?: number
  readonly uid?: number
  readonly linktarget?: string
  readonly content?: string
  readonly children?: readonly CraftedNode[]
  readonly inode?: number
  readonly links?: number
  readonly device?: number
}

interface Blob {
  readonly type: 'tree' | 'data'
  readonly id: string
  readonly sealed: Buffer
}

/**
 * Adds a point to a real repository that no restic would make: its trees are written here, by whoever has the password.
 * The repository stays sound in its form; what the trees say is hostile.
 */
export async function craftPoint(
  repository: string,
  {
    password,
    host,
    nodes,
  }: { readonly password: string; readonly host: string; readonly nodes: readonly CraftedNode[] },
): Promise<RecoveryPointId> {
  const keys = await masterKeys(repository, password)
  const blobs: Blob[] = []
  const tree = addTree(nodes, keys, blobs)
  await writePacks(repository, keys, blobs)
  const snapshot = { time: '2024-01-01T00:00:00Z', tree, paths: ['/rooms/home'], hostname: host, username: 'root' }
  return recoveryPointIdSchema.parse(await writeSealed(repository, { folder: 'snapshots', keys, value: snapshot }))
}

function addTree(nodes: readonly CraftedNode[], keys: Keys, blobs: Blob[]): string {
  const told = nodes.map(({ children, content, ...node }) => ({
    ...{ mode: 0o644, uid: 0, gid: 0, mtime: TIME, atime: TIME, ctime: TIME },
    ...node,
    ...(children === undefined ? {} : { subtree: addTree(children, keys, blobs) }),
    ...(content === undefined ? {} : { size: content.length, content: dataOf(content, keys, blobs) }),
  }))
  return addBlob('tree', Buffer.from(`${JSON.stringify({ nodes: told })}\n`), { keys, blobs })
}

const TIME = '2024-01-01T00:00:00Z'

function dataOf(content: string, keys: Keys, blobs: Blob[]): string[] {
  return content === '' ? [] : [addBlob('data', Buffer.from(content), { keys, blobs })]
}

function addBlob(type: Blob['type'], plain: Buffer, { keys, blobs }: { keys: Keys; blobs: Blob[] }): string {
  const id = sha256(plain)
  if (!blobs.some((blob) => blob.id === id)) blobs.push({ type, id, sealed: seal(plain, keys) })
  return id
}

/** Trees and data are in packs of their own. */
async function writePacks(repository: string, keys: Keys, blobs: readonly Blob[]): Promise<void> {
  const packs = []
  for (const type of ['tree', 'data'] as const) {
    const own = blobs.filter((blob) => blob.type === type)
    if (own.length > 0) packs.push(await writePack(repository, keys, own))
  }
  await writeSealed(repository, { folder: 'index', keys, value: { packs } })
}

async function writePack(repository: string, keys: Keys, blobs: readonly Blob[]) {
  const entries = blobs.map(({ type, id, sealed }) => {
    const entry = Buffer.alloc(37)
    entry.writeUInt8(type === 'tree' ? 1 : 0, 0)
    entry.writeUInt32LE(sealed.length, 1)
    entry.write(id, 5, 'hex')
    return entry
  })
  const header = seal(Buffer.concat(entries), keys)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(header.length)
  const pack = Buffer.concat([...blobs.map(({ sealed }) => sealed), header, length])
  const id = sha256(pack)
  await mkdir(join(repository, 'data', id.slice(0, 2)), { recursive: true })
  await writeFile(join(repository, 'data', id.slice(0, 2), id), pack)
  let offset = 0
  const listed = blobs.map(({ type, id, sealed }) => {
    const entry = { id, type, offset, length: sealed.length }
    offset += sealed.length
    return entry
  })
  return { id, blobs: listed }
}

interface SealedFile {
  readonly folder: string
  readonly keys: Keys
  readonly value: unknown
}

async function writeSealed(repository: string, { folder, keys, value }: SealedFile): Promise<string> {
  const file = seal(Buffer.from(JSON.stringify(value)), keys)
  await writeFile(join(repository, folder, sha256(file)), file)
  return sha256(file)
}
