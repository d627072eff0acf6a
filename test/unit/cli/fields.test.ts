import { describe, expect, it } from 'vitest'
import { pathOf } from '../../../src-main/shell/cli/call.ts'
import {
  fieldsOf,
  flagNameOf,
  inputOf,
  placeholderOf,
  sentenceOf,
  valueOf,
} from '../../../src-main/shell/cli/fields.ts'
import { SPELLINGS } from '../../../src-main/shell/cli/spelling.ts'
import { daemonContract } from '../../../src-shared/contract/daemon.ts'
import { inputShapeOf } from '../../../src-shared/contract/describe.ts'

const spawn = inputShapeOf(daemonContract, ['environments', 'spawn'])
const layout = SPELLINGS['environments.spawn']

describe('fields of a call', () => {
  it('derives arguments and flags from the schema', () => {
    const fields = fieldsOf(spawn, layout)
    expect(fields.map(({ flag }) => flag)).toEqual([
      'name',
      'command-id',
      'owner',
      'image',
      'driver',
      'cpus',
      'memory-mib',
      'home-mib',
    ])
    expect(fields.filter(({ isPositional }) => isPositional).map(({ flag }) => flag)).toEqual(['name'])
    expect(fields.filter(({ isRequired }) => isRequired).map(({ flag }) => flag)).toEqual([
      'name',
      'command-id',
      'owner',
      'image',
    ])
  })

  it('says of each what its schema says', () => {
    const byFlag = new Map(fieldsOf(spawn, layout).map((field) => [field.flag, field]))
    expect(sentenceOf(byFlag.get('memory-mib')!)).toBe('a whole number from 128 to 65536 MiB')
    expect(sentenceOf(byFlag.get('image')!)).toBe('name@version, such as minimal@1')
    expect(placeholderOf(byFlag.get('driver')!)).toBe('qemu|incus|fake')
  })

  it('says of every point which one latest is, for a drill another than elsewhere', () => {
    const said = (Object.keys(SPELLINGS) as (keyof typeof SPELLINGS)[]).flatMap((name) => {
      const fields = fieldsOf(inputShapeOf(daemonContract, pathOf(name)), SPELLINGS[name])
      const points = fields.map(sentenceOf).filter((sentence) => sentence.startsWith('latest or'))
      return points.map((sentence) => [name, sentence.split('; ')[1]] as const)
    })
    const good = 'latest is the newest that nothing speaks against'
    const calls = ['backups.browse', 'backups.compare', 'backups.compare', 'restore.plan', 'files', 'clone'] as const
    const expected = [
      ...calls.map((name) => [name, good]),
      ['drill', 'latest is the newest, whatever speaks against it'],
    ]
    expect(said.map((each) => each.join(': ')).sort()).toEqual(expected.map((each) => each.join(': ')).sort())
  })

  it('prefixes nested values unless they are spread', () => {
    const fields = fieldsOf(inputShapeOf(daemonContract, ['events']))
    expect(fields.map(({ flag }) => flag)).toEqual(['since-epoch', 'since-seq'])
  })

  it('builds the input of what was given, and nothing else', () => {
    const fields = fieldsOf(spawn, layout)
    const given = new Map([
      [fields[0]!, 'demo'],
      [fields.find(({ flag }) => flag === 'cpus')!, '2'],
    ])
    expect(inputOf(fields, given)).toEqual({ name: 'demo', size: { cpus: 2 } })
  })

  it.each([
    [{ type: 'integer' }, '12', 12],
    [{ type: 'integer' }, '1e3', '1e3'],
    [{ type: 'integer' }, '', ''],
    [{ type: 'string' }, '12', '12'],
    [{ type: 'boolean' }, 'off', false],
    [{ type: 'boolean' }, 'maybe', 'maybe'],
    [{ type: 'array' }, ['a', '2'], ['a', '2']],
    [{ anyOf: [{ type: 'integer' }, { const: 'unlimited' }] }, 'unlimited', 'unlimited'],
    [{ anyOf: [{ type: 'integer' }, { const: 'unlimited' }] }, '3', 3],
  ])('reads %o from %o as %o', (shape, word, value) => {
    expect(valueOf(shape, word)).toEqual(value)
  })

  it('names flags in kebab case', () => {
    expect(flagNameOf('memoryMiB', { type: 'integer' })).toBe('memory-mib')
    expect(flagNameOf('isRunning', { type: 'boolean' })).toBe('running')
    expect(flagNameOf('timeoutMs', { type: 'integer' })).toBe('timeout-ms')
  })
})
