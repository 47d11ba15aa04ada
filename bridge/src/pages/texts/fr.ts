import type { Texts } from '../texts.ts'

export const fr: Texts = {
  lang: 'fr',
  sign_in: {
    title: 'Se connecter avec Odoo',
    lead: 'pour continuer vers {}',
    login: 'Identifiant',
    password: 'Mot de passe',
    code: 'Code',
    code_hint:
      'Les six chiffres de votre application d’authentification, ou de l’e-mail que vous venez de recevoir.',
    shared: 'Cet ordinateur est partagé',
    shared_hint:
      'Vous restez connecté jusqu’à la fermeture du navigateur, 12 heures au plus. Déconnectez-vous aussi de l’application avant de partir.',
    submit: 'Se connecter',
    continue_with: 'Continuer avec {}',
    forgotten: 'Mot de passe oublié ?',
  },
  consent: {
    title: '{} demande un accès',
    lead: 'Si vous l’autorisez, cette application pourra',
    as: 'Vous êtes connecté en tant que {}.',
    allow: 'Autoriser',
    deny: 'Refuser',
    scopes: {
      openid: 'savoir qui vous êtes',
      profile: 'lire votre nom, votre langue et votre fuseau horaire',
      email: 'lire votre adresse e-mail',
      address: 'lire votre adresse postale',
      phone: 'lire votre numéro de téléphone',
      offline_access: 'rester connectée quand vous êtes déconnecté',
      'odoo.read': 'lire dans Odoo tout ce que vous pouvez lire',
      'odoo.write': 'lire et modifier dans Odoo tout ce que vous pouvez',
    },
    other: 'utiliser « {} »',
  },
  sign_out: {
    title: 'Se déconnecter ?',
    lead: 'Vous serez déconnecté de toutes les applications dans ce navigateur.',
    submit: 'Se déconnecter',
    stay: 'Vous pouvez aussi fermer cette page : il ne se passera rien.',
    done: 'Vous êtes déconnecté.',
  },
  problem: {
    title: 'Ce lien ne fonctionne pas',
    lead: 'Retournez à l’application et réessayez. Si cela se reproduit, prévenez ses responsables.',
    retry_title: 'Cela n’a pas fonctionné',
    retry: 'Réessayer',
  },
  untrusted: {
    client: 'L’application qui vous a envoyé ici n’est pas enregistrée.',
    redirect_uri: 'L’adresse de retour n’est pas enregistrée pour cette application.',
    logout_redirect_uri: 'L’adresse de destination n’est pas enregistrée pour cette application.',
  },
  too_late: 'Cela a pris trop de temps. Connectez-vous de nouveau.',
  errors: {
    invalid_credentials: 'Identifiant ou mot de passe incorrect.',
    invalid_totp: 'Ce code est incorrect ou a déjà servi. Attendez le suivant.',
    too_many_attempts: 'Trop d’échecs. Réessayez plus tard.',
    odoo_unavailable: 'Odoo ne répond pas. Réessayez dans un instant.',
    database_unavailable: 'La base de données ne répond pas. Réessayez dans un instant.',
    keys_unavailable: 'La connexion est momentanément impossible. Réessayez dans un instant.',
    sign_in_not_begun:
      'Cette connexion n’a pas été commencée dans ce navigateur, ou a pris trop de temps. Recommencez.',
    sign_in_refused: 'Personne n’a été connecté là-bas. Recommencez.',
    unknown_user:
      'Personne ici ne correspond à ce compte. Adressez-vous à ceux qui gèrent votre Odoo.',
    mfa_not_offered:
      'Odoo vous demande un second facteur, que cette voie n’offre pas. Connectez-vous avec votre mot de passe.',
    provider_unavailable:
      'Ce fournisseur ne répond pas. Réessayez dans un instant, ou connectez-vous autrement.',
    invalid_request: 'La demande est mal formée.',
    unsupported_media_type: 'La demande est mal formée.',
    origin_refused: 'Cette demande doit venir de la même origine.',
    not_found: 'Il n’y a rien à cette adresse.',
    server_error: 'Quelque chose s’est mal passé ici.',
  },
}
