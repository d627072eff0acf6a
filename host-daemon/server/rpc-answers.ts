import { StandardRPCJsonSerializer, StandardRPCSerializer } from '@orpc/client/standard'
import type { Router } from '@orpc/server'
import {
  StandardHandler,
  StandardRPCCodec,
  StandardRPCMatcher,
  type StandardHandlerOptions,
} from '@orpc/server/standard'
import type { daemonContract } from '../../src-shared/contract/daemon.ts'
import type { ServedCaller } from './call-guard.ts'

/**
 * The protocol's own handler, but that what is plain JSON goes as it is: the library would copy it value by value, with
 * its path, to find dates and the like, which takes longer than all else that is done with a large answer.
 */
export function createRpcHandler(
  router: Router<typeof daemonContract, ServedCaller>,
  options: StandardHandlerOptions<ServedCaller>,
): StandardHandler<ServedCaller> {
  const codec = new StandardRPCCodec(new StandardRPCSerializer(new PlainFirstSerializer()))
  return new StandardHandler(router, new StandardRPCMatcher(), codec, options)
}

type Serialize = StandardRPCJsonSerializer['serialize']

/** Tells the same of everything as the library's. */
export class PlainFirstSerializer extends StandardRPCJsonSerializer {
  override serialize(...[data, segments, meta = [], maps = [], blobs = []]: Parameters<Serialize>) {
    return isPlain(data)
      ? ([data, meta, maps, blobs] as ReturnType<Serialize>)
      : super.serialize(data, segments, meta, maps, blobs)
  }
}

/** It reads as itself when it has been written as JSON, but for what JSON leaves out of objects. */
function isPlain(data: unknown): boolean {
  switch (typeof data) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(data)
    case 'object':
      return data === null || (Array.isArray(data) ? isPlainList(data) : isPlainRecord(data))
    default:
      return false
  }
}

function isPlainList(list: readonly unknown[]): boolean {
  for (const each of list) if (!isPlain(each)) return false
  return true
}

function isPlainRecord(record: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(record)
  if (prototype !== Object.prototype && prototype !== null) return false
  for (const key in record) {
    const value = (record as Readonly<Record<string, unknown>>)[key]
    if (value !== undefined && !isPlain(value)) return false
  }
  return true
}
