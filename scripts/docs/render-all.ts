import { renderSettingsMarkdown } from '../../host-daemon/config/settings-markdown.ts'
import { renderApiMarkdown } from './api-markdown.ts'
import { renderCliMarkdown } from './cli-markdown.ts'
import { renderErrorsMarkdown } from './errors-markdown.ts'

/** Every generated page, by its path from the project's folder. */
export function renderAll(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/api.md', renderApiMarkdown()],
    ['docs/errors.md', renderErrorsMarkdown()],
    ['docs/cli.md', renderCliMarkdown()],
    ['docs/settings.md', renderSettingsMarkdown()],
  ])
}
