import type { Texts } from '../texts.ts'

export const es: Texts = {
  lang: 'es',
  sign_in: {
    title: 'Iniciar sesión con Odoo',
    lead: 'para continuar en {}',
    login: 'Usuario',
    password: 'Contraseña',
    code: 'Código',
    code_hint:
      'Las seis cifras de su aplicación de autenticación, o del correo que acaba de llegar.',
    shared: 'Este equipo es compartido',
    shared_hint:
      'Su sesión dura hasta que se cierre el navegador, 12 horas como máximo. Cierre también la sesión de la aplicación antes de irse.',
    submit: 'Iniciar sesión',
    continue_with: 'Continuar con {}',
    forgotten: '¿Olvidó su contraseña?',
  },
  consent: {
    title: '{} pide acceso',
    lead: 'Si lo permite, la aplicación podrá',
    as: 'Ha iniciado sesión como {}.',
    allow: 'Permitir',
    deny: 'No permitir',
    scopes: {
      openid: 'saber quién es usted',
      profile: 'leer su nombre, idioma y zona horaria',
      email: 'leer su dirección de correo',
      address: 'leer su dirección postal',
      phone: 'leer su número de teléfono',
      offline_access: 'seguir conectada cuando usted cierre la sesión',
      'odoo.read': 'leer en Odoo todo lo que usted puede leer',
      'odoo.write': 'leer y cambiar en Odoo todo lo que usted puede',
    },
    other: 'usar «{}»',
  },
  sign_out: {
    title: '¿Cerrar la sesión?',
    lead: 'Se cerrará la sesión de todas las aplicaciones en este navegador.',
    submit: 'Cerrar sesión',
    stay: 'También puede cerrar esta página: entonces no pasa nada.',
    done: 'La sesión está cerrada.',
  },
  problem: {
    title: 'Este enlace no funciona',
    lead: 'Vuelva a la aplicación e inténtelo de nuevo. Si vuelve a pasar, dígalo a quienes la mantienen.',
    retry_title: 'Eso no ha funcionado',
    retry: 'Intentar de nuevo',
  },
  untrusted: {
    client: 'La aplicación que le ha enviado aquí no está registrada.',
    redirect_uri: 'La dirección de regreso no está registrada para esta aplicación.',
    logout_redirect_uri: 'La dirección de destino no está registrada para esta aplicación.',
  },
  too_late: 'Ha tardado demasiado. Inicie sesión de nuevo.',
  errors: {
    invalid_credentials: 'Usuario o contraseña incorrectos.',
    invalid_totp: 'El código es incorrecto o ya se usó. Espere el siguiente.',
    too_many_attempts: 'Demasiados intentos fallidos. Inténtelo más tarde.',
    odoo_unavailable: 'Odoo no responde. Inténtelo de nuevo en un momento.',
    database_unavailable: 'La base de datos no responde. Inténtelo de nuevo en un momento.',
    keys_unavailable: 'Ahora no se puede iniciar sesión. Inténtelo de nuevo en un momento.',
    sign_in_not_begun:
      'Este inicio de sesión no empezó en este navegador, o tardó demasiado. Empiece de nuevo.',
    sign_in_refused: 'Allí no se inició ninguna sesión. Empiece de nuevo.',
    unknown_user:
      'Esa cuenta no pertenece a nadie de aquí. Pregunte a quienes administran su Odoo.',
    mfa_not_offered:
      'Odoo le pide un segundo factor, que esta vía no ofrece. Inicie sesión con su contraseña.',
    provider_unavailable:
      'Ese proveedor no responde. Inténtelo de nuevo en un momento, o inicie sesión de otra manera.',
    invalid_request: 'La solicitud está mal formada.',
    unsupported_media_type: 'La solicitud está mal formada.',
    origin_refused: 'Esta solicitud debe venir del mismo origen.',
    not_found: 'No hay nada en esta dirección.',
    server_error: 'Algo ha fallado aquí.',
  },
}
