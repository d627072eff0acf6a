import { Argument, Option, type Command } from 'commander'
import { placeholderOf, sentenceOf, type Field, type Given } from '../fields.ts'

/** Hangs a call's values on a command: arguments for positional ones, options for the rest. */
export function addFields(command: Command, fields: readonly Field[], isOptional: (field: Field) => boolean): void {
  for (const field of fields) {
    const isMandatory = field.isRequired && !isOptional(field)
    if (field.isPositional) command.addArgument(argumentFor(field, isMandatory))
    else for (const option of optionsFor(field)) command.addOption(option.makeOptionMandatory(isMandatory))
  }
}

function argumentFor(field: Field, isMandatory: boolean): Argument {
  if (field.shape.type === 'array') {
    return new Argument(isMandatory ? `<${field.flag}...>` : `[${field.flag}...]`, sentenceOf(field))
  }
  if (field.shape.type !== 'boolean')
    return new Argument(isMandatory ? `<${field.flag}>` : `[${field.flag}]`, sentenceOf(field))
  return new Argument(`<${placeholderOf(field)}>`, `whether ${field.flag}`).choices(['on', 'off'])
}

function optionsFor(field: Field): Option[] {
  const says = sentenceOf(field)
  if (field.shape.type !== 'boolean') return [new Option(`--${field.flag} <${placeholderOf(field)}>`, says)]
  return [
    new Option(`--${field.flag}`, says === '' ? field.flag : says),
    new Option(`--no-${field.flag}`, `not ${field.flag}`),
  ]
}

/** What commander made of the words, by field; a field that was not given is absent. */
export function givenFields(command: Command, fields: readonly Field[]): Map<Field, Given> {
  const options: Record<string, unknown> = command.opts()
  const positional = fields.filter((field) => field.isPositional)
  const given = new Map<Field, Given>()
  for (const field of fields) {
    const place = positional.indexOf(field)
    const value: unknown = field.isPositional ? command.processedArgs[place] : options[camelCase(field.flag)]
    if (isGiven(value)) given.set(field, value)
  }
  return given
}

function isGiven(value: unknown): value is Given {
  if (Array.isArray(value)) return value.length > 0
  return typeof value === 'string' || typeof value === 'boolean'
}

/** The key under which commander keeps an option. */
function camelCase(flag: string): string {
  return flag.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
