import { expect, it } from 'vitest'
import { roleOfOperation } from '../../../src-shared/contract/operation-roles.ts'
import { operationKindSchema } from '../../../src-shared/model/operation.ts'

it('every kind of operation is ended by whoever may start it', () => {
  const admins = operationKindSchema.options.filter((kind) => roleOfOperation(kind) === 'admin')
  const expected = ['reset', 'destroy', 'restore', 'undo_restore', 'drop_undo', 'clone', 'restore_files', 'prune']
  expect(admins.sort()).toEqual(expected.sort())
  const others = operationKindSchema.options.filter((kind) => !admins.includes(kind))
  expect(others.map(roleOfOperation)).toEqual(others.map(() => 'operator'))
})
