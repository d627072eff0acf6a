import { describe, expect, it } from 'vitest'
import { Choice, shownPath, tidyPaths } from '../../../host-daemon/restores/files-paths.ts'

const file = (path: string, bytes = 1) => ({ path, type: 'file' as const, bytes })
const folder = (path: string) => ({ path, type: 'directory' as const, bytes: 0 })

describe('paths of a point', () => {
  it('are each there once, and none inside another', () => {
    expect(tidyPaths(['/b/', '/a/x', '/a', '/b', '/ab'])).toEqual(['/a', '/ab', '/b'])
    expect(tidyPaths(['/a', '/'])).toEqual(['/'])
    expect(tidyPaths(['/...', '/.hidden', '/-x', '/a\nb', '/*'])).toHaveLength(5)
  })

  it.each(['', 'a', 'a/b', '//', '//a', '/a//b', '/.', '/..', '/../a', '/a/..', '/a/./b', '/a\0', '/\ud800', '/a//'])(
    'are refused where they are none: %j',
    (path) => {
      expect(() => tidyPaths([path])).toThrow('is not a path from the root')
    },
  )

  it('choose themselves and what is in them, and nothing that merely begins alike', () => {
    const choice = new Choice(['/a', '/c/d'])
    for (const entry of [
      folder('/a'),
      file('/a/x', 5),
      file('/ab', 7),
      folder('/c'),
      file('/c/d', 3),
      file('/c/de', 9),
    ])
      choice.see(entry)
    expect(choice.end()).toEqual({ bytes: 8, entries: 3, files: 2 })
  })

  it('are missed by name', () => {
    const choice = new Choice(['/a', '/b', '/\u001b[2J'])
    choice.see(folder('/a'))
    expect(() => choice.end()).toThrow('paths: "/b" is not in the recovery point. Nor are 1 others.')
  })

  it('choose everything by the root, which no listing names', () => {
    const choice = new Choice(['/'])
    for (const entry of [folder('/a'), file('/a/x', 5)]) choice.see(entry)
    expect(choice.end()).toEqual({ bytes: 5, entries: 2, files: 1 })
  })

  it('are shown without a character that a terminal obeys, and cut where they are long', () => {
    expect(shownPath('/a\u001b[31m\n\u202e\u009b')).toBe(String.raw`"/a\u001b[31m\n\u202e\u009b"`)
    expect(shownPath(`/${'x'.repeat(5_000)}`).length).toBeLessThan(250)
    expect(shownPath('/\ud800')).toBe('"/\ufffd"')
  })
})
