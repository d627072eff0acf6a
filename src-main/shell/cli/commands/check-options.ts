import type { CheckDepth } from '../../../../src-shared/model/operation-result.ts'
import { usageError } from '../usage-error.ts'
import type { Extension } from './call-command.ts'

/** `backup check --depth`: how much of the repository's data is read. */
export const CHECK_OPTIONS: Extension = {
  addTo: (command) =>
    void command.option(
      '--depth <structure|all|PART/OF>',
      'read none of its data, all of it, or one part of so many (such as 1/8); default "structure"',
    ),
  read: (command) => {
    const { depth } = command.opts<{ depth?: string }>()
    return Promise.resolve(depth === undefined ? {} : { depth: depthOf(depth) })
  },
}

function depthOf(word: string): CheckDepth {
  if (word === 'structure' || word === 'all') return word
  const [, part, of] = /^(\d{1,3})\/(\d{1,3})$/.exec(word) ?? []
  if (part === undefined || of === undefined)
    throw usageError('--depth: must be structure, all, or a part of so many, such as 1/8.')
  return { part: Number(part), of: Number(of) }
}
