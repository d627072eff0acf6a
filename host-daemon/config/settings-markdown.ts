import { DEFAULT_SETTINGS_PATH } from './settings.ts'
import { REMOTE_REPOSITORIES } from './remote-repositories-markdown.ts'
import { SETTING_KEYS, type SettingKey } from './settings-keys.ts'

const INTRODUCTION = `# Settings of the daemon

<!-- Generated from host-daemon/config/settings-schema.ts by \`npm run docs\`; a test fails when it is stale. -->

\`pilothoused\` reads one JSON file (\`--config PATH\`; without it ${DEFAULT_SETTINGS_PATH}, which may be absent) and
the environment variables below, which win over the file. A variable's value is JSON where the setting takes it
(\`4\`, \`null\`, \`[…]\`), else the text itself. A name with dots is nested in the file:
\`{ "limits": { "cpus": 4 } }\`. A wrong value, an unknown key and an unknown \`PILOTHOUSE_…\` variable are each named,
and the daemon does not start (exit code 2). \`pilothoused settings\` prints what is in effect.

| setting | variable | default | unit | what |
|---|---|---|---|---|
`

/** docs/settings.md, whole. */
export function renderSettingsMarkdown(): string {
  return INTRODUCTION + SETTING_KEYS.map(renderRow).join('\n') + '\n' + REMOTE_REPOSITORIES
}

function renderRow(key: SettingKey): string {
  const { description, unit, defaultText } = key.note
  const value = defaultText ?? `\`${JSON.stringify(key.schema.def.defaultValue)}\``
  const cells = [`\`${key.path.join('.')}\``, `\`${key.variable}\``, value, unit ?? '', description]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
