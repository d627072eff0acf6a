import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { renderAll } from '../../scripts/docs/render-all.ts'
import { fromRoot } from '../../scripts/lib/paths.ts'
import { callsOf } from '../../src-shared/contract/client.ts'
import { daemonContract } from '../../src-shared/contract/daemon.ts'
import { ERROR_CODES } from '../../src-shared/error.ts'

const pages = renderAll()

describe('the generated pages', () => {
  it.each([...pages.keys()])('%s is what `npm run docs` writes', async (path) => {
    expect(await readFile(fromRoot(path), 'utf8').catch(() => '')).toBe(pages.get(path))
  })

  it('describe every call and every error', () => {
    for (const { path } of callsOf(daemonContract))
      expect(pages.get('docs/api.md')).toContain(`### ${path.join('.')}\n`)
    for (const code of ERROR_CODES) expect(pages.get('docs/errors.md')).toContain(`## ${code}\n`)
  })

  it('link only to headings that exist', () => {
    for (const [path, text] of pages) {
      for (const [, file, anchor] of text.matchAll(/\]\(([a-z]*\.md)?#([^)]+)\)/g)) {
        const target = pages.get(file === undefined || file === '' ? path : `docs/${file}`) ?? ''
        const headings = [...target.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
          heading
            .toLowerCase()
            .replace(/[^a-z0-9 _-]/g, '')
            .replaceAll(' ', '-'),
        )
        expect(headings, `${path} links to ${file ?? ''}#${anchor ?? ''}`).toContain(anchor)
      }
    }
  })
})
