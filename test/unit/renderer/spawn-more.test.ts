import { describe, expect, it } from 'vitest'
import { checkMore } from '../../../src-renderer/features/spawn/check-more.ts'
import { moreOf, type MoreFields } from '../../../src-renderer/features/spawn/more-fields.ts'
import { readFiles } from '../../../src-renderer/features/spawn/read-files.ts'
import { spawnCli } from '../../../src-renderer/lib/cli.ts'
import { STARTUP_LIMITS, startupSchema } from '../../../src-shared/model/startup.ts'

const variable = (id: number, name: string, value = '') => ({ id, name, value })
const file = (id: number, path: string, content = '') => ({ id, path, content, isExecutable: false, isOpen: false })
const check = (change: Partial<MoreFields>) => checkMore({ ...moreOf(), ...change })

describe('what a spawn may carry', () => {
  it('asks for nothing where nothing is said', () => {
    expect(check({ command: ' \n' })).toMatchObject({ isValid: true, request: {}, bytes: 0 })
  })

  it('comes back from a request as it went into it', () => {
    const request = {
      labels: { team: 'blue' },
      startup: startupSchema.parse({
        command: 'a\nb ',
        variables: { A: '', B: 'x\ny' },
        files: [file(1, 'a/b', '\r\n')],
      }),
    }
    expect(checkMore(moreOf(request))).toMatchObject({ isValid: true, request })
  })

  it('says what is wrong with a variable where it is, and never its value', () => {
    const { variables, isValid } = check({
      variables: [
        variable(1, '2ND', 'secret'),
        variable(2, 'A'),
        variable(3, 'A'),
        variable(4, '', 'secret'),
        variable(5, '__proto__', 'secret'),
        variable(6, 'BIG', 'secret'.repeat(6000)),
        variable(7, 'NUL', 'secret\0'),
        variable(8, 'HALF', 'secret\ud800'),
      ],
    })
    expect(isValid).toBe(false)
    expect(variables.get(1)?.name).toContain('not start with a digit')
    expect(variables.get(2)?.name).toBe('this name is there twice')
    expect(variables.get(4)?.name).toBe('give it a name')
    expect(variables.get(5)?.name).toBe('this name cannot be used')
    expect(variables.get(6)?.value).toBe('at most 32 KiB; this is 35.2 KiB')
    expect(variables.get(7)?.value).toBe('must not contain NUL')
    expect(variables.get(8)?.value).toBe('must be well-formed text')
    expect(JSON.stringify([...variables])).not.toContain('secret')
  })

  it('says what is wrong with a file where it is', () => {
    const { files } = check({
      files: [
        file(1, '/etc/passwd'),
        file(2, 'a/../b'),
        file(3, ''),
        file(4, 'app'),
        file(5, 'app/x'),
        file(6, 'same'),
        file(7, 'same'),
        file(8, 'big', 'é'.repeat(131_073)),
      ],
    })
    expect(files.get(1)?.path).toContain('must be a relative path')
    expect(files.get(2)?.path).toContain('must be a relative path')
    expect(files.get(3)?.path).toBe('say where in the guest')
    expect(files.has(4)).toBe(false)
    expect(files.get(5)?.path).toBe('app is a file here, so nothing can be in it')
    expect([files.get(6)?.path, files.get(7)?.path]).toEqual(Array(2).fill('this path is there twice'))
    expect(files.get(8)?.content).toBe('at most 256 KiB; this is 256.0 KiB')
  })

  it('counts all of it as the contract does', () => {
    const { totalBytes, fileBytes } = STARTUP_LIMITS
    const full = [file(1, 'a', 'x'.repeat(fileBytes)), file(2, 'b', 'x'.repeat(totalBytes - fileBytes - 2))]
    const fits = check({ variables: [variable(1, 'A', 'x')], files: full })
    expect(fits).toMatchObject({ isValid: true, whole: null, bytes: totalBytes })
    expect(startupSchema.safeParse(fits.request.startup).success).toBe(true)
    const over = check({ variables: [variable(1, 'A', 'xx')], files: full })
    expect(over.whole).toContain('at most 512 KiB can be handed over')
    expect(startupSchema.safeParse(over.request.startup).success).toBe(false)
  })

  it('bounds how many there are', () => {
    const variables = Array.from({ length: 129 }, (_unused, index) => variable(index, `V${index}`))
    const files = Array.from({ length: 33 }, (_unused, index) => file(index, `f${index}`))
    expect(check({ variables }).whole).toBe('At most 128 variables; these are 129.')
    expect(check({ files }).whole).toBe('At most 32 files; these are 33.')
  })
})

describe('local files', () => {
  it('are taken byte for byte, under a path that the contract allows', async () => {
    const name = `-${'ü'.repeat(200)}`
    const { files, refusals } = await readFiles([new File(['\ufeffa\r\n'], '.env'), new File([''], name)], 32)
    expect(refusals).toEqual([])
    expect(files).toEqual([
      { path: '_env', content: '\ufeffa\r\n' },
      { path: '_'.repeat(100), content: '' },
    ])
    expect(check({ files: files.map(({ path, content }, id) => file(id, path, content)) }).isValid).toBe(true)
  })

  it('are not taken where they are not text', async () => {
    const bytes = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]].map((each) => new Uint8Array(each))
    const { files, refusals } = await readFiles(
      bytes.map((each) => new File([each], 'x.bin')),
      32,
    )
    expect(files).toEqual([])
    expect(refusals).toEqual(
      Array(4).fill('x.bin was not added: it is not UTF-8 text, and only text can be handed over.'),
    )
  })
})

describe('the command line form of a spawn', () => {
  it('names what it carries, and shows no value', () => {
    const startup = startupSchema.parse({
      command: "echo it's",
      variables: { TOKEN: 'secret' },
      files: [file(1, 'a/b', 'secret')],
    })
    const size = { cpus: 1, memoryMiB: 512, homeMiB: 1024 }
    const words = { name: 'web', owner: 'acme', image: 'minimal@1', size, labels: { team: 'a b' }, startup }
    expect(spawnCli('lon-1', words)).toBe(
      'pilothouse env spawn web --host lon-1 --owner acme --image minimal@1 --cpus 1 --memory-mib 512 --home-mib 1024' +
        String.raw` --label 'team=a b' --startup-command 'echo it'\''s' --env TOKEN=… --file a/b=FILE`,
    )
  })
})
