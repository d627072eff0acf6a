import type { SchemaShape } from '../../src-shared/contract/describe.ts'

const REFERENCE = '#/$defs/'

/** A heading's anchor, as GitHub makes it. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^a-z0-9 _-]/g, '')
    .replaceAll(' ', '-')
}

/** The models that a shape refers to. */
export function referencesOf(shape: SchemaShape): string[] {
  const inner = [...Object.values(shape.properties ?? {}), ...(shape.anyOf ?? []), ...(shape.oneOf ?? [])]
  if (shape.items !== undefined) inner.push(shape.items)
  const own = shape.$ref === undefined ? [] : [shape.$ref.slice(REFERENCE.length)]
  return [...own, ...inner.flatMap(referencesOf)]
}

function numberText({ type, minimum, maximum }: SchemaShape): string {
  const noun = type === 'integer' ? 'whole number' : 'number'
  const from = minimum === undefined || minimum === -Number.MAX_SAFE_INTEGER ? '' : ` ≥ ${minimum}`
  const to = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? '' : ` ≤ ${maximum}`
  return noun + from + to
}

function scalarText(shape: SchemaShape): string {
  if (shape.const !== undefined) return `\`${JSON.stringify(shape.const)}\``
  if (shape.enum !== undefined) return shape.enum.map((value) => `\`${JSON.stringify(value)}\``).join(' or ')
  switch (shape.type) {
    case 'integer':
    case 'number':
      return numberText(shape)
    case 'boolean':
      return 'true or false'
    case 'null':
      return 'null'
    case 'string':
      return 'text'
    default:
      return 'anything'
  }
}

/** A type in one line of Markdown; named models are links. */
export function shapeText(shape: SchemaShape): string {
  if (shape.$ref !== undefined) {
    const name = shape.$ref.slice(REFERENCE.length)
    return `[${name}](#${anchorOf(name)})`
  }
  const options = shape.anyOf ?? shape.oneOf
  if (options !== undefined) return [...new Set(options.map(shapeText))].join(' or ')
  if (shape.type === 'array') return `list of ${shapeText(shape.items ?? {})}`
  if (shape.properties !== undefined) return objectText(shape)
  if (typeof shape.additionalProperties === 'object') return `object of ${shapeText(shape.additionalProperties)}`
  return scalarText(shape)
}

function objectText(shape: SchemaShape): string {
  const fields = Object.entries(shape.properties ?? {}).map(([key, value]) => {
    const isOptional = shape.required?.includes(key) !== true
    return `\`${key}\`${isOptional ? '?' : ''}: ${shapeText(value)}`
  })
  return fields.length === 0 ? 'an empty object' : `{ ${fields.join(', ')} }`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

/** A Markdown table. */
export function tableOf(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  return [line(header), `|${header.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}

/** What is said of a value beside its type. */
function notesOf(shape: SchemaShape): string {
  const fallback = shape.default === undefined ? [] : [`default \`${JSON.stringify(shape.default)}\``]
  // A named model says it under its own heading.
  const says = shape.description === undefined || referencesOf(shape).length > 0 ? [] : [shape.description]
  return [...says, ...fallback].join('; ')
}

/** A shape in full: a table of fields, a list of variants, or one line. */
export function shapeBlock(shape: SchemaShape): string {
  const variants = shape.oneOf ?? []
  if (shape.$ref === undefined && variants.length > 0)
    return variants.map((variant) => `- ${shapeText(variant)}`).join('\n')
  const fields = Object.entries(shape.properties ?? {})
  if (fields.length === 0) return [shapeText(shape), notesOf(shape)].filter((part) => part !== '').join(': ')
  const rows = fields.map(([key, value]) => {
    const isOptional = shape.required?.includes(key) !== true
    return [`\`${key}\`${isOptional ? ' (optional)' : ''}`, shapeText(value), notesOf(value)]
  })
  return tableOf(['field', 'type', 'says'], rows)
}
