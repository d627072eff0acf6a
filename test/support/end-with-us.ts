/** What setpriv is told before a program that ends with the tests' process, also where that one is killed. */
export const END_WITH_US = ['--pdeathsig', 'TERM', '--'] as const
