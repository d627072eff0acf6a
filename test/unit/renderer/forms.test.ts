import { describe, expect, it } from 'vitest'
import { checkHost, hostCli } from '../../../src-renderer/features/fleet/host-form.ts'
import { checkFields, emptyFields, fieldOfFailure } from '../../../src-renderer/features/spawn/spawn-form.ts'
import { failureWith } from '../../support/fake-app-samples.ts'

const filled = { ...emptyFields(), hostId: 'host-00000001', name: 'web', owner: 'acme', image: 'minimal@1' }
const limit = { cpus: 4, memoryMiB: 2048, homeMiB: 4096 }

describe('the spawn form', () => {
  it('accepts what the contract accepts', () => {
    expect(checkFields(filled, limit)).toMatchObject({ isValid: true, request: { name: 'web', size: { cpus: 1 } } })
  })

  it("says the contract's own messages, and a kind word for what is empty", () => {
    const check = checkFields({ ...filled, name: 'Web!', owner: '' }, limit)
    expect(check).toMatchObject({ isValid: false, errors: { owner: 'choose an owner' } })
    expect(check.isValid ? '' : check.errors.name).toContain('must be 1–63 lower-case letters')
  })

  it("says the host's limit before the host has to", () => {
    const check = checkFields({ ...filled, cpus: 8 }, limit)
    expect(check).toMatchObject({ isValid: false, errors: { cpus: 'at most 4 CPUs here' } })
  })

  it('leaves the limit to the host where it is not known', () => {
    expect(checkFields({ ...filled, cpus: 8 }, null).isValid).toBe(true)
  })

  it('finds the field that a refusal is about', () => {
    expect(fieldOfFailure(failureWith('name_taken', ''))).toBe('name')
    expect(fieldOfFailure(failureWith('owner_limit_reached', ''))).toBe('owner')
    expect(fieldOfFailure(failureWith('internal', ''))).toBeNull()
  })
})

describe('the host form', () => {
  const empty = { name: '', address: '', port: '', user: '', identityFile: '', socketDirectory: '' }

  it('leaves what is empty to ssh_config', () => {
    const check = checkHost({ ...empty, name: 'lon-1', address: ' lon-1.example.net ' })
    expect(check.isValid && check.request.target).toEqual({
      address: 'lon-1.example.net',
      socketDirectory: '/run/pilothouse',
    })
  })

  it('names what is missing and what is wrong', () => {
    const check = checkHost({ ...empty, address: '-oProxyCommand=x', port: '70000', identityFile: 'key' })
    expect(check.isValid ? {} : Object.keys(check.errors).sort()).toEqual(['address', 'identityFile', 'name', 'port'])
    expect(check.isValid ? '' : check.errors.name).toBe('is needed')
  })

  it('says the same on the command line', () => {
    expect(hostCli({ ...empty, name: 'lon-1', address: 'lon-1', port: '2222' })).toBe(
      'pilothouse hosts add lon-1 lon-1 --port 2222',
    )
  })
})
