import { z } from 'zod'
import { hostTargetSchema, type HostTarget } from '../../../src-shared/model/host.ts'
import { hostNameSchema, type HostName } from '../../../src-shared/model/ids.ts'

export type HostField = 'name' | 'address' | 'port' | 'user' | 'identityFile' | 'socketDirectory'

export type HostCheck =
  | { readonly isValid: true; readonly request: { readonly name: HostName; readonly target: HostTarget } }
  | { readonly isValid: false; readonly errors: Partial<Record<HostField, string>> }

const schema = z.object({ name: hostNameSchema, target: hostTargetSchema })
const PORT_SAYS = 'must be a whole number from 1 to 65535'

/** What was typed, held to the contract's own rules; an empty optional field is left to the user's `ssh_config`. */
export function checkHost(fields: Readonly<Record<HostField, string>>): HostCheck {
  const { name, port, ...texts } = fields
  const target: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(texts)) if (value.trim() !== '') target[key] = value.trim()
  if (port.trim() !== '') target['port'] = Number(port)
  const parsed = schema.safeParse({ name: name.trim(), target: { address: '', ...target } })
  if (parsed.success) return { isValid: true, request: parsed.data }
  const errors: Partial<Record<HostField, string>> = {}
  for (const issue of parsed.error.issues) {
    const field = issue.path.at(-1) as HostField
    if (fields[field].trim() === '') errors[field] = 'is needed'
    else errors[field] ??= field === 'port' ? PORT_SAYS : issue.message
  }
  return { isValid: false, errors }
}

/** The same on the command line. */
export function hostCli(fields: Readonly<Record<HostField, string>>): string {
  const words = ['pilothouse hosts add', fields.name || 'NAME', fields.address || 'ADDRESS']
  const flags: [HostField, string][] = [
    ['port', '--port'],
    ['user', '--user'],
    ['identityFile', '--identity-file'],
    ['socketDirectory', '--socket-directory'],
  ]
  for (const [field, flag] of flags) if (fields[field] !== '') words.push(flag, fields[field])
  return words.join(' ')
}
