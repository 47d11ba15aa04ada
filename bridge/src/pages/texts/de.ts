import type { Texts } from '../texts.ts'

export const de: Texts = {
  lang: 'de',
  sign_in: {
    title: 'Mit Odoo anmelden',
    lead: 'um {} zu nutzen',
    login: 'Benutzername',
    password: 'Passwort',
    code: 'Code',
    code_hint:
      'Die sechs Ziffern aus Ihrer Authenticator-App oder aus der E-Mail, die eben gekommen ist.',
    shared: 'Dies ist ein gemeinsam genutzter Computer',
    shared_hint:
      'Sie bleiben angemeldet, bis der Browser geschlossen wird, höchstens 12 Stunden. Melden Sie sich auch in der App ab, bevor Sie gehen.',
    submit: 'Anmelden',
    continue_with: 'Weiter mit {}',
    forgotten: 'Passwort vergessen?',
  },
  consent: {
    title: '{} bittet um Zugriff',
    lead: 'Wenn Sie zustimmen, kann die App',
    as: 'Sie sind angemeldet als {}.',
    allow: 'Erlauben',
    deny: 'Nicht erlauben',
    scopes: {
      openid: 'wissen, wer Sie sind',
      profile: 'Ihren Namen, Ihre Sprache und Ihre Zeitzone lesen',
      email: 'Ihre E-Mail-Adresse lesen',
      address: 'Ihre Postanschrift lesen',
      phone: 'Ihre Telefonnummer lesen',
      offline_access: 'verbunden bleiben, wenn Sie abgemeldet sind',
      'odoo.read': 'in Odoo alles lesen, was Sie lesen können',
      'odoo.write': 'in Odoo alles lesen und ändern, was Sie können',
    },
    other: '„{}“ benutzen',
  },
  sign_out: {
    title: 'Abmelden?',
    lead: 'Sie werden in diesem Browser von allen Apps abgemeldet.',
    submit: 'Abmelden',
    stay: 'Sie können diese Seite auch einfach schließen: dann geschieht nichts.',
    done: 'Sie sind abgemeldet.',
  },
  problem: {
    title: 'Dieser Link funktioniert nicht',
    lead: 'Gehen Sie zur App zurück und versuchen Sie es noch einmal. Wenn es wieder geschieht, sagen Sie es denen, die sie betreiben.',
    retry_title: 'Das hat nicht geklappt',
    retry: 'Noch einmal versuchen',
  },
  untrusted: {
    client: 'Die App, die Sie hierher geschickt hat, ist nicht registriert.',
    redirect_uri: 'Die Rücksprungadresse ist für diese App nicht registriert.',
    logout_redirect_uri: 'Die Adresse, zu der es danach gehen soll, ist nicht registriert.',
  },
  too_late: 'Das hat zu lange gedauert. Melden Sie sich noch einmal an.',
  errors: {
    invalid_credentials: 'Benutzername oder Passwort ist falsch.',
    invalid_totp: 'Der Code ist falsch oder wurde schon benutzt. Warten Sie auf den nächsten.',
    too_many_attempts: 'Zu viele Fehlversuche. Versuchen Sie es später noch einmal.',
    odoo_unavailable: 'Odoo antwortet nicht. Versuchen Sie es gleich noch einmal.',
    database_unavailable: 'Die Datenbank antwortet nicht. Versuchen Sie es gleich noch einmal.',
    keys_unavailable:
      'Die Anmeldung ist gerade nicht möglich. Versuchen Sie es gleich noch einmal.',
    sign_in_not_begun:
      'Diese Anmeldung wurde nicht in diesem Browser begonnen oder hat zu lange gedauert. Beginnen Sie von vorn.',
    sign_in_refused: 'Dort wurde niemand angemeldet. Beginnen Sie von vorn.',
    unknown_user:
      'Zu diesem Konto gehört hier niemand. Fragen Sie die Leute, die Ihr Odoo betreiben.',
    mfa_not_offered:
      'Odoo verlangt von Ihnen einen zweiten Faktor, den dieser Weg nicht bietet. Melden Sie sich mit Ihrem Passwort an.',
    provider_unavailable:
      'Dieser Anbieter antwortet nicht. Versuchen Sie es gleich noch einmal, oder melden Sie sich anders an.',
    invalid_request: 'Die Anfrage ist fehlerhaft.',
    unsupported_media_type: 'Die Anfrage ist fehlerhaft.',
    origin_refused: 'Diese Anfrage muss vom selben Ursprung kommen.',
    not_found: 'An dieser Adresse ist nichts.',
    server_error: 'Hier ist etwas schiefgegangen.',
  },
}
