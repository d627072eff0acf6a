import { labelLines, type LabelField } from '../../lib/label-fields.ts'
import { lineAfter, type Line } from '../../lib/line-fields.ts'
import type { SpawnRequest } from '../../stores/submitted.ts'

export interface VariableField extends Line {
  name: string
  value: string
}

export interface FileField extends Line {
  path: string
  content: string
  isExecutable: boolean
  /** Its text is shown to be read and changed. */
  isOpen: boolean
}

/** What few spawns need, as it is in the fields, whether or not it is valid. */
export interface MoreFields {
  labels: LabelField[]
  command: string
  variables: VariableField[]
  files: FileField[]
}

/** What a request asks for beyond the form's own fields; empty without one. */
export function moreOf({ labels = {}, startup }: Pick<SpawnRequest, 'labels' | 'startup'> = {}): MoreFields {
  const variables = Object.entries(startup?.variables ?? {}).map(([name, value]) => ({ name, value }))
  const files = (startup?.files ?? []).map((file) => ({ ...file, isOpen: false }))
  return {
    labels: labelLines(labels),
    command: startup?.command ?? '',
    variables: linesOf([...variables, { name: '', value: '' }]),
    files: linesOf(files),
  }
}

function linesOf<Content extends object>(contents: readonly Content[]): (Content & Line)[] {
  const lines: (Content & Line)[] = []
  for (const content of contents) lines.push(lineAfter(lines, content))
  return lines
}
