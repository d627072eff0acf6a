/** One entry of an initramfs. Everything belongs to root and carries no time, so that equal inputs make equal bytes. */
export type CpioEntry =
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly content: Uint8Array }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }

const TYPE_BITS = { directory: 0o040000, file: 0o100000, link: 0o120000 } as const
const ALIGNMENT = 4

/** A `newc` archive of the entries in the order given, as the kernel unpacks it. Parents come before their children. */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const parts = entries.flatMap((entry, index) => {
    const content = contentOf(entry)
    const mode = TYPE_BITS[entry.kind] | (entry.kind === 'link' ? 0o777 : entry.mode)
    return [header(index + 1, { path: entry.path, mode, bytes: content.length }), padded(content)]
  })
  return Buffer.concat([...parts, header(0, { path: 'TRAILER!!!', mode: 0, bytes: 0 })])
}

function contentOf(entry: CpioEntry): Uint8Array {
  if (entry.kind === 'file') return entry.content
  return entry.kind === 'link' ? Buffer.from(entry.target) : new Uint8Array()
}

function header(inode: number, { path, mode, bytes }: { path: string; mode: number; bytes: number }): Buffer {
  const name = Buffer.from(`${path}\0`)
  const links = 1
  const fields = [inode, mode, 0, 0, links, 0, bytes, 0, 0, 0, 0, name.length, 0]
  const text = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`
  return padded(Buffer.concat([Buffer.from(text, 'ascii'), name]))
}

function padded(bytes: Uint8Array): Buffer {
  const missing = (ALIGNMENT - (bytes.length % ALIGNMENT)) % ALIGNMENT
  return Buffer.concat([bytes, Buffer.alloc(missing)])
}
