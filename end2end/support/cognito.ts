// A user pool in cognito-local, made through the Cognito API as an administrator would make it.
import { COGNITO_PROVIDER } from './addresses';

export const PARTNER = { email: 'dana@delta.example', password: 'Correct-horse-1' };

async function call(action: string, body: unknown) {
  const answer = await fetch(COGNITO_PROVIDER, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `AWSCognitoIdentityProviderService.${action}`,
    },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${action}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/** A pool with a public client and one partner of carrier DL. */
export async function createPool(callback: string) {
  const { UserPool: pool } = await call('CreateUserPool', {
    PoolName: 'penstock',
    UsernameAttributes: ['email'],
    Schema: [{ Name: 'carrier', AttributeDataType: 'String', Mutable: true }],
  });
  const { UserPoolClient: client } = await call('CreateUserPoolClient', {
    UserPoolId: pool.Id,
    ClientName: 'penstock',
    CallbackURLs: [callback],
    AllowedOAuthFlows: ['code'],
    AllowedOAuthScopes: ['openid', 'email', 'profile'],
  });
  const user = { UserPoolId: pool.Id, Username: PARTNER.email };
  await call('AdminCreateUser', {
    ...user,
    MessageAction: 'SUPPRESS',
    UserAttributes: [
      { Name: 'email', Value: PARTNER.email },
      { Name: 'email_verified', Value: 'true' },
      { Name: 'custom:carrier', Value: 'DL' },
    ],
  });
  await call('AdminSetUserPassword', { ...user, Password: PARTNER.password, Permanent: true });
  await call('CreateGroup', { UserPoolId: pool.Id, GroupName: 'partners' });
  await call('AdminAddUserToGroup', { ...user, GroupName: 'partners' });
  return { id: pool.Id as string, clientId: client.ClientId as string };
}
