/** What the gate uses of njs's request object. */
export type GateRequest = Pick<NginxHTTPRequest, 'variables' | 'headersOut' | 'return' | 'error'>
