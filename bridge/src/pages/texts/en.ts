import type { Texts } from '../texts.ts'

export const en: Texts = {
  lang: 'en',
  sign_in: {
    title: 'Sign in with Odoo',
    lead: 'to continue to {}',
    login: 'Login',
    password: 'Password',
    code: 'Code',
    code_hint: 'The six digits from your authenticator app, or from the e-mail that came just now.',
    shared: 'This is a shared computer',
    shared_hint:
      'You stay signed in until the browser is closed, for 12 hours at most. Sign out of the app, too, before you leave.',
    submit: 'Sign in',
    continue_with: 'Continue with {}',
    forgotten: 'Forgot your password?',
  },
  consent: {
    title: '{} asks for access',
    lead: 'If you allow it, it can',
    as: 'You are signed in as {}.',
    allow: 'Allow',
    deny: 'Do not allow',
    scopes: {
      openid: 'know who you are',
      profile: 'read your name, language and time zone',
      email: 'read your e-mail address',
      address: 'read your postal address',
      phone: 'read your phone number',
      offline_access: 'stay connected when you are signed out',
      'odoo.read': 'read in Odoo whatever you can read',
      'odoo.write': 'read and change in Odoo whatever you can',
    },
    other: 'use “{}”',
  },
  sign_out: {
    title: 'Sign out?',
    lead: 'You will be signed out of all apps in this browser.',
    submit: 'Sign out',
    stay: 'You can also just close this page: then nothing happens.',
    done: 'You are signed out.',
  },
  problem: {
    title: 'This link does not work',
    lead: 'Go back to the app and try again. If it happens again, tell the people who run it.',
    retry_title: 'That did not work',
    retry: 'Try again',
  },
  untrusted: {
    client: 'The app that sent you here is not registered.',
    redirect_uri: 'The return address is not registered for this app.',
    logout_redirect_uri: 'The address to go to afterwards is not registered for this app.',
  },
  too_late: 'That took too long. Sign in again.',
  // The others say what the code itself says.
  errors: { unsupported_media_type: 'The request is malformed.' },
}
