import js from '@eslint/js'
import vue from 'eslint-plugin-vue'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

const DAEMON = 'host-daemon/**/*.ts'

/** Type-aware rules for `.ts` and `.vue`; the walls between folders are in .dependency-cruiser.cjs. */
export default defineConfig(
  { ignores: ['node_modules', 'out', 'coverage', 'test-results', '**/*.cjs'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  ...vue.configs['flat/recommended'],
  {
    languageOptions: {
      parserOptions: {
        parser: tseslint.parser,
        project: [
          'src-shared/tsconfig.json',
          'src-main/tsconfig.json',
          'src-main/shell/electron/tsconfig.preload.json',
          'src-renderer/tsconfig.json',
          'host-daemon/tsconfig.json',
          'test/tsconfig.json',
        ],
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: ['.vue'],
      },
    },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/unified-signatures': 'off',
      'max-params': ['error', 3],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
      'no-console': 'error',
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true, defaultFrom: true } }],
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.vue'],
    rules: {
      'vue/multi-word-component-names': 'off',
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-self-closing': 'off',
      'vue/html-indent': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/first-attribute-linebreak': 'off',
      'vue/no-v-html': 'error',
      'max-lines-per-function': 'off',
      'no-undef': 'off',
    },
  },
  {
    // Ambient time, randomness and processes stay behind system/: tests own the clock.
    files: [DAEMON],
    ignores: ['host-daemon/system/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'setInterval'].map((name) => ({ name, message: 'Use a Clock, or a TimeLimit.' })),
        { name: 'performance', message: 'Take a Clock.' },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Take a Clock.' },
        { object: 'AbortSignal', property: 'timeout', message: 'Use a TimeLimit.' },
        ...['setTimeout', 'setInterval', 'performance'].map((property) => ({
          ...{ object: 'globalThis', property, message: 'Take a Clock.' },
        })),
        { object: 'process', property: 'hrtime', message: 'Take a Clock.' },
        { object: 'Math', property: 'random', message: 'Take a RandomSource.' },
        { object: 'process', property: 'kill', message: 'Use system/.' },
        { object: 'process', property: 'env', message: 'Read settings in config.' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Take a Clock.' },
        { selector: "CallExpression[callee.name='Date']", message: 'Take a Clock.' },
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            ...['node:child_process', 'child_process'].map((name) => ({ name, message: 'Use system/.' })),
            ...['node:timers', 'timers', 'node:timers/promises', 'timers/promises'].map((name) => ({
              ...{ name, importNames: ['setTimeout', 'setInterval', 'scheduler'], message: 'Take a Clock.' },
            })),
            ...['node:perf_hooks', 'perf_hooks'].map((name) => ({ name, message: 'Take a Clock.' })),
          ],
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts', 'scripts/**/*.ts'],
    rules: {
      'no-console': 'off',
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
  { files: ['*.config.ts'], rules: { 'no-restricted-exports': 'off' } },
  {
    files: ['scripts/**/*.mjs', '**/*.js'],
    ...tseslint.configs.disableTypeChecked,
  },
  {
    files: ['scripts/**/*.mjs', '**/*.js'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
)
