import { test } from 'tap'
import { initials, isPage, mailTo, telephone } from '../src/elements/shared/contact.ts'

test('what people write into Odoo is no script, and no other letter or call', (t) => {
  for (const address of [
    'javascript:alert(1)',
    ' javascript:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,x',
    '//evil.example',
    'www.example.com',
    '',
  ]) {
    t.notOk(isPage(address), address)
  }
  t.ok(isPage('https://example.com/'))
  t.ok(isPage('HTTP://example.com'))
  t.equal(mailTo('ann@example.com'), 'mailto:ann@example.com')
  t.equal(
    mailTo('ann@example.com?bcc=thief@evil.example&body=x'),
    'mailto:ann@example.com%3Fbcc%3Dthief%40evil.example%26body%3Dx',
  )
  t.equal(telephone('+32 (0)2 555;ext=1#*'), 'tel:+32025551')
  t.end()
})

test('initials of any name', (t) => {
  t.equal(initials('Ann Lee Quinn'), 'AQ')
  t.equal(initials('émile'), 'É')
  t.equal(initials('(Acme), 3rd'), '3')
  t.equal(initials('…'), '')
  t.end()
})
