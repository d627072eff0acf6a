import { bytesText } from '../../src-shared/lib/bytes-text.ts'
import type { HomeId } from '../../src-shared/model/ids.ts'
import { timeOf } from '../environments/plan-words.ts'

interface Kept {
  readonly homeId: HomeId
  /** Null where it could not be told. */
  readonly bytes: number | null
  readonly until: number
}

/** What keeping the replaced home means, and costs. */
export function keptSentence({ homeId, bytes, until }: Kept): string {
  const cost = bytes === null ? 'the space that it takes on disk' : `the ${bytesText(bytes)} that it takes on disk`
  return `Its present home ${homeId} is kept until ${timeOf(until)}, and can be brought back by an undo until then; ${cost} is free again after that.`
}
