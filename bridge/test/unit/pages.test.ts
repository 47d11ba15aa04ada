/** The bridge's own pages, as their reader has them. */
import { test } from 'tap'
import { requestUrl, startWithBrowser } from '../app.ts'
import { SAME_ORIGIN } from '../helper.ts'

test('pages speak the language of the reader', async (t) => {
  const { app, browser } = await startWithBrowser(t)
  const french = await browser.open(requestUrl({ ui_locales: 'xx fr-CA en' }))
  t.match(french.body, /<html lang="fr">/)
  t.match(french.body, /Mot de passe oublié/)
  t.match(french.body, 'href="http://odoo.localhost:8069/web/reset_password"')
  for (const [wanted, lang] of [
    ['de-AT,de;q=0.9,en;q=0.5', 'de'],
    ['es', 'es'],
    ['ja', 'en'],
    ['<script>', 'en'],
  ]) {
    const page = await app.inject({ url: requestUrl(), headers: { 'accept-language': wanted } })
    t.match(page.body, `<html lang="${String(lang)}">`, String(wanted))
    t.equal(page.headers['content-language'], lang)
  }
  const german = { 'accept-language': 'de', ...SAME_ORIGIN }
  const refused = await browser.send(requestUrl(), { login: 'demo', password: 'x' }, german)
  t.match(refused.body, /Benutzername oder Passwort ist falsch/)
})

test('what a client is called is text, wherever it stands', async (t) => {
  const { browser } = await startWithBrowser(t)
  const page = await browser.open(requestUrl({ login_hint: '"><script>alert(1)</script>' }))
  t.notMatch(page.body, '<script>')
  t.match(page.body, 'value="&quot;&gt;&lt;script')
})
