import type { CommandId, RequestId } from '../../src-shared/model/ids.ts'

/** `bytes` random bytes as lower-case hex. */
function randomHex(bytes: number): string {
  const values = crypto.getRandomValues(new Uint8Array(bytes))
  return Array.from(values, (value) => value.toString(16).padStart(2, '0')).join('')
}

/** One per click; everything that follows the click carries it. */
export function newRequestId(): RequestId {
  return `req-${randomHex(8)}` as RequestId
}

/** One per command that someone means to give; kept for every retry of that command. */
export function newCommandId(): CommandId {
  return `cmd-${randomHex(16)}` as CommandId
}

/** Command ids for one dialog: the same one while what is asked stays the same, a new one for anything else. */
export function commandIds(): (asked: object) => CommandId {
  let last = { asked: '', id: newCommandId() }
  return (asked) => {
    const text = JSON.stringify(asked)
    if (last.asked !== text) last = { asked: text, id: newCommandId() }
    return last.id
  }
}

/** An id as short as it stays recognisable: `req-7c1e4f2a…`. */
export function shortId(id: string): string {
  return id.length > 13 ? `${id.slice(0, 12)}…` : id
}
