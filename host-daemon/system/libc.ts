import koffi, { type TypeObject } from 'koffi'

/** A C function: called as it is it runs on this thread, `async` runs it on another one. */
export interface NativeCall {
  (...args: unknown[]): unknown
  readonly async: (...args: unknown[]) => unknown
}

/**
 * The few C library calls that Node does not offer. Calls that may wait (name service look-ups) run on koffi's own
 * threads; the others only ask the kernel for what it already knows.
 */
interface Library {
  readonly getsockopt: NativeCall
  readonly flock: NativeCall
  readonly renameat2: NativeCall
  readonly getpwuid_r: NativeCall
  readonly getgrnam_r: NativeCall
  readonly getgrgid_r: NativeCall
}

const NAME_BUFFER_BYTES = 65_536

const passwd = koffi.struct({
  name: 'char*',
  password: 'char*',
  uid: 'uint32_t',
  gid: 'uint32_t',
  gecos: 'char*',
  directory: 'char*',
  shell: 'char*',
})
const group = koffi.struct({ name: 'char*', password: 'char*', gid: 'uint32_t', members: 'void*' })

let loaded: Library | undefined

export function libc(): Library {
  loaded ??= load()
  return loaded
}

function load(): Library {
  const library = koffi.load(null)
  const buffer = koffi.out(koffi.pointer('uint8_t'))
  const found = koffi.out(koffi.pointer('void*'))
  const entry = (type: TypeObject) => koffi.out(koffi.pointer(type))
  const length = koffi.inout(koffi.pointer('uint32_t'))
  return {
    getsockopt: library.func('getsockopt', 'int', ['int', 'int', 'int', buffer, length]),
    flock: library.func('flock', 'int', ['int', 'int']),
    renameat2: library.func('renameat2', 'int', ['int', 'const char*', 'int', 'const char*', 'uint32_t']),
    getpwuid_r: library.func('getpwuid_r', 'int', ['uint32_t', entry(passwd), buffer, 'size_t', found]),
    getgrnam_r: library.func('getgrnam_r', 'int', ['const char*', entry(group), buffer, 'size_t', found]),
    getgrgid_r: library.func('getgrgid_r', 'int', ['uint32_t', entry(group), buffer, 'size_t', found]),
  }
}

/** The error number of the last call of this thread. */
export function lastErrno(): number {
  return koffi.errno()
}

export const ERRNO = {
  EINTR: koffi.os.errno['EINTR'] ?? 4,
  EAGAIN: koffi.os.errno['EAGAIN'] ?? 11,
  EEXIST: koffi.os.errno['EEXIST'] ?? 17,
} as const

/**
 * Asks the name service, on another thread. Undefined when it positively has no such entry; throws when it cannot
 * say.
 */
export async function lookUp<Entry>(call: NativeCall, key: string | number): Promise<Entry | undefined> {
  const entry: Partial<Entry> = {}
  const found: [unknown] = [null]
  const code = await callAsync(call, [key, entry, Buffer.alloc(NAME_BUFFER_BYTES), NAME_BUFFER_BYTES, found])
  if (code === ERRNO.EINTR) return await lookUp<Entry>(call, key)
  if (code !== 0) throw new Error(`the name service failed with error ${code}`)
  return found[0] === null ? undefined : (entry as Entry)
}

function callAsync(call: NativeCall, args: readonly unknown[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const done = (error: unknown, result: number): void => {
      if (error instanceof Error) reject(error)
      else resolve(result)
    }
    call.async(...args, done)
  })
}
