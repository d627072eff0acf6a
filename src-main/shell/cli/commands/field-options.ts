import { Argument, Option, type Command } from 'commander'
import { placeholderOf, sentenceOf, type Field } from '../fields.ts'

/** Hangs a call's values on a command: arguments for positional ones, options for the rest. */
export function addFields(command: Command, fields: readonly Field[], isOptional: (field: Field) => boolean): void {
  for (const field of fields) {
    if (field.isPositional) command.addArgument(argumentFor(field))
    else
      for (const option of optionsFor(field))
        command.addOption(option.makeOptionMandatory(field.isRequired && !isOptional(field)))
  }
}

function argumentFor(field: Field): Argument {
  if (field.shape.type !== 'boolean') return new Argument(`<${field.flag}>`, sentenceOf(field))
  return new Argument(`<${placeholderOf(field)}>`, `whether ${field.flag}`).choices(['on', 'off'])
}

function optionsFor(field: Field): Option[] {
  const says = sentenceOf(field)
  if (field.shape.type !== 'boolean') return [new Option(`--${field.flag} <${placeholderOf(field)}>`, says)]
  return [new Option(`--${field.flag}`, says), new Option(`--no-${field.flag}`, `not ${field.flag}`)]
}

/** What commander made of the words, by field; a field that was not given is absent. */
export function givenFields(command: Command, fields: readonly Field[]): Map<Field, string | boolean> {
  const options: Record<string, unknown> = command.opts()
  const positional = fields.filter((field) => field.isPositional)
  const given = new Map<Field, string | boolean>()
  for (const field of fields) {
    const value = field.isPositional ? command.args[positional.indexOf(field)] : options[camelCase(field.flag)]
    if (typeof value === 'string' || typeof value === 'boolean') given.set(field, value)
  }
  return given
}

/** The key under which commander keeps an option. */
function camelCase(flag: string): string {
  return flag.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
