import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  globalIgnores(['build/', 'node_modules/']),
  {
    files: ['daemon/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { project: ['./tsconfig.json', './daemon/web/page/tsconfig.json', './test/tsconfig.json'], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // A tid is a number and is printed as one now and then; the rest of the rule stays.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // protobufjs' plain-object types make every field optional and nullable: asserting what a contract promises is needed.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Interfaces are promised to be asynchronous before every implementation of them is.
      '@typescript-eslint/require-await': 'off',
      // protobufjs marks its plain-object interfaces (ITaskRecord) deprecated in favour of longer names for the same.
      '@typescript-eslint/no-deprecated': 'off',
      // What a message of ours cannot lack, one from a broken peer can: looking twice is wanted.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-invalid-void-type': ['error', { allowInGenericTypeArguments: true, allowAsThisParameter: true }],
      // PVM's codes and the protocol's states are numbers on purpose.
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // mocha's own style: describe and it return nothing that has to be awaited.
      '@typescript-eslint/no-floating-promises': ['error', { allowForKnownSafeCalls: [{ from: 'package', name: ['describe', 'it'], package: 'mocha' }] }],
    },
  },
  { files: ['scripts/**/*.mjs'], rules: { 'no-unused-vars': 'error', 'prefer-const': 'error', eqeqeq: 'error' } },
);
