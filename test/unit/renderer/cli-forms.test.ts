import { describe, expect, it } from 'vitest'
import { labelCli, pageClis, protectCli, renameCli, resizeCli } from '../../../src-renderer/lib/cli.ts'

describe('the command line forms', () => {
  it('plan what is dangerous, and never run it', () => {
    const dangerous = pageClis('web', 'lon-1').filter((each) => /reset|destroy/.test(each))
    expect(dangerous).toEqual([
      'pilothouse env reset web --host lon-1 --plan',
      'pilothouse env destroy web --host lon-1 --plan',
    ])
  })

  it('say what differs', () => {
    expect(resizeCli('web', 'lon-1', { memoryMiB: 1024 })).toBe(
      'pilothouse env resize web --host lon-1 --memory-mib 1024',
    )
    expect(renameCli('web', 'lon-1', 'shop')).toBe('pilothouse env rename web shop --host lon-1')
    expect(protectCli('web', 'lon-1', false)).toBe('pilothouse env protect web off --host lon-1')
  })

  it('set and remove labels, quoted where a shell would take them apart', () => {
    const change = { before: { team: 'red', old: 'x' }, after: { team: 'red', stage: "it's; rm" } }
    expect(labelCli('web', 'lon-1', change)).toBe(
      String.raw`pilothouse env label web 'stage=it'\''s; rm' old- --host lon-1`,
    )
  })
})
