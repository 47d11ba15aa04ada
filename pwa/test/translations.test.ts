import { cpSync, globSync, readFileSync } from 'node:fs'
import { STATUS_CODES } from 'node:http'
import { join, relative } from 'node:path'
import { RuntimeLitLocalizer } from '@lit/localize-tools/lib/modes/runtime.js'
import { readConfigFileAndWriteSchema } from '@lit/localize-tools/lib/config.js'
import type { RuntimeOutputConfig } from '@lit/localize-tools/lib/config.js'
import { test, testdir } from 'tap'
import ts from 'typescript'

const PWA = join(import.meta.dirname, '..')
const settings = readConfigFileAndWriteSchema(join(PWA, 'lit-localize.json'))
const TO_DO = '`npm run i18n:pwa`, and translate what is new in pwa/xliff'

const folder = testdir()
cpSync(join(PWA, 'xliff'), join(folder, 'xliff'), { recursive: true })

/** What the command does, with its files somewhere else. */
const localizer = new RuntimeLitLocalizer({
  ...settings,
  output: {
    ...(settings.output as RuntimeOutputConfig),
    outputDir: relative(PWA, join(folder, 'locales')),
    localeCodesModule: join(folder, 'locale-codes.ts'),
  },
  interchange: { format: 'xliff', xliffDir: relative(PWA, join(folder, 'xliff')) },
})

const read = (...path: string[]): string => readFileSync(join(...path), 'utf8')

test('the translations are those of the texts in the source', { timeout: 120_000 }, async (t) => {
  const { messages, errors } = localizer.extractSourceMessages()
  t.same(
    errors.map(({ messageText }) => messageText),
    [],
  )
  t.ok(messages.length > 100)
  t.same(localizer.validateTranslations().errors, [], 'each has the values of its source')

  await localizer.writeInterchangeFiles()
  await localizer.build()
  for (const locale of settings.targetLocales) {
    const xliff = `${locale}.xlf`
    t.equal(read(folder, 'xliff', xliff), read(PWA, 'xliff', xliff), `${xliff}: ${TO_DO}`)
    const generated = join('locales', `${locale}.ts`)
    t.equal(read(folder, generated), read(PWA, 'src', generated), `${generated}: ${TO_DO}`)
  }
  t.equal(read(folder, 'locale-codes.ts'), read(PWA, 'src/locale-codes.ts'))
})

test('every text is there in every language, and set as people set it there', (t) => {
  const { messages } = localizer.extractSourceMessages()
  const { translations } = localizer.readTranslationsSync()
  for (const locale of settings.targetLocales) {
    const texts = new Map(
      translations
        .get(locale)
        ?.map(({ name, contents }) => [
          name,
          contents.map((part) => (typeof part === 'string' ? part : '{}')).join(''),
        ]),
    )
    for (const { name, contents } of messages) {
      const source = contents.filter((part) => typeof part === 'string').join('{}')
      const text = texts.get(name) ?? ''
      t.match(text, /\p{L}/u, `${locale}: “${source}” is translated`)
      t.notMatch(text, /['"]|\.\.\.|^\s|\s$/, `${locale}: ‘’ “” … in “${text}”`)
      if (locale === 'fr') {
        t.notMatch(text, /(^|[^\u00a0\u202f])[:;?!»]|«[^\u00a0\u202f]/, `no break in “${text}”`)
      }
    }
  }
  t.end()
})

/** Names, which are the same everywhere, and a word of the bridge’s that is only compared with. */
const NO_TEXT = ['Drawbridge', 'Vault', 'Odoo', 'Unknown device']
/** What is never shown: a word that another one is compared with. */
const isCompared = ({ parent }: ts.Node): boolean => ts.isCaseClause(parent)
/** The name of a status, which is in English everywhere. */
const isStatus = ({ parent }: ts.Node, text: string): boolean =>
  ts.isPropertyAssignment(parent) &&
  ts.isNumericLiteral(parent.name) &&
  STATUS_CODES[parent.name.text] === text
const SPOKEN =
  /\b(?:aria-label|aria-description|aria-roledescription|title|placeholder|alt)="([^"]*)"/g

/** The texts of a source that no translation reaches. */
function bareTexts(name: string, source: string): string[] {
  const found: string[] = []
  const isMessage = (node: ts.Node): boolean =>
    ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'msg'
  const take = (text: string): void => {
    const bare = NO_TEXT.reduce((rest, known) => rest.replaceAll(known, ''), text).trim()
    if (/\p{L}/u.test(bare)) found.push(bare)
  }
  const visit = (node: ts.Node, isLate: boolean): void => {
    if (isMessage(node)) {
      if (!isLate) found.push(`when the module is loaded: ${node.getText()}`)
      return
    }
    if (ts.isImportDeclaration(node) || ts.isTypeNode(node)) return
    if (ts.isTaggedTemplateExpression(node) && /^(html|svg)$/.test(node.tag.getText())) {
      const html = (
        ts.isNoSubstitutionTemplateLiteral(node.template)
          ? [node.template.text]
          : [node.template.head.text, ...node.template.templateSpans.map((s) => s.literal.text)]
      ).join('\0')
      for (const [, value = ''] of html.matchAll(SPOKEN)) take(value)
      html
        .replaceAll(/<[^>]*>/g, '\n')
        .split(/[\n\0]/)
        .forEach(take)
    } else if (ts.isStringLiteralLike(node)) {
      if (isCompared(node) || isStatus(node, node.text)) return
      // A sentence, or a word as it stands at the beginning of one.
      if (/^\p{Lu}\p{Ll}|\p{L} \p{L}+ \p{L}/u.test(node.text)) take(node.text)
    }
    const isLateBelow = isLate || ts.isFunctionLike(node)
    ts.forEachChild(node, (child) => {
      visit(child, isLateBelow)
    })
  }
  visit(ts.createSourceFile(name, source, ts.ScriptTarget.Latest, true), false)
  return found
}

test('nobody reads what cannot be translated', (t) => {
  const elements = globSync('src/elements/**/*.ts', { cwd: PWA })
  t.ok(elements.length > 8)
  for (const name of elements) t.same(bareTexts(name, read(PWA, name)), [], name)

  const seen = (source: string) => bareTexts('x.ts', source)
  t.same(seen('const f = () => html`<p class="good">Bare ${x} text</p>`'), ['Bare', 'text'])
  t.same(seen('const f = () => html`<a title="Bare" href=${x}>${msg("Good")}</a>`'), ['Bare'])
  t.same(seen("const TEXT = { bare: 'Bare' }"), ['Bare'])
  t.same(seen("const f = () => msg('Good')"), [])
  t.same(seen("const S = { 404: 'Not Found', 200: 'Bare', ok: 'Created' }"), ['Bare', 'Created'])
  t.same(seen("switch (x) { case 'Good': return 'Bare' }"), ['Bare'])
  t.same(seen("const bare = msg('Late')"), ["when the module is loaded: msg('Late')"])
  t.end()
})
