import fc from 'fast-check'

/** One thing that somebody does, or that happens. `pick` chooses among the tickets that there are. */
export type Deed =
  | { readonly kind: 'spawn' | 'start' | 'stop' | 'reboot' | 'recover' }
  | { readonly kind: 'stale'; readonly command: 'start' | 'stop' | 'reboot' | 'recover' }
  | { readonly kind: 'failing'; readonly command: 'start' | 'recover' }
  | { readonly kind: 'again' }
  | { readonly kind: 'protect'; readonly isProtected: boolean }
  | { readonly kind: 'plan'; readonly of: 'reset' | 'destroy' }
  | {
      readonly kind: 'run'
      readonly of: 'reset' | 'destroy'
      readonly pick: number
      readonly by: 'ada' | 'eve'
      readonly isNamed: boolean
    }
  | { readonly kind: 'guest exits' | 'home vanishes' | 'daemon restarts' }

const constant = (...kinds: Deed['kind'][]) => fc.constantFrom(...kinds).map((kind) => ({ kind }) as Deed)
const dangerous = fc.constantFrom('reset' as const, 'destroy' as const)

export const deedArbitrary: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 3, arbitrary: constant('spawn') },
  { weight: 6, arbitrary: constant('start', 'stop', 'reboot', 'recover') },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('stale' as const),
      command: fc.constantFrom('start' as const, 'stop' as const, 'reboot' as const, 'recover' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('failing' as const),
      command: fc.constantFrom('start' as const, 'recover' as const),
    }),
  },
  { weight: 2, arbitrary: constant('again') },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('protect' as const), isProtected: fc.boolean() }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('plan' as const), of: dangerous }) },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constant('run' as const),
      of: dangerous,
      pick: fc.nat(3),
      by: fc.constantFrom('ada' as const, 'ada' as const, 'ada' as const, 'eve' as const),
      isNamed: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    }),
  },
  { weight: 2, arbitrary: constant('guest exits') },
  { weight: 1, arbitrary: constant('home vanishes') },
  { weight: 1, arbitrary: constant('daemon restarts') },
)
