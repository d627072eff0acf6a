/** How repositories on another machine are reached, for docs/settings.md; a test runs the ssh part as it is written. */
export const REMOTE_REPOSITORIES = `
## Repositories on another machine

Nobody is there to be asked: a key with a passphrase, or a server whose key is not known, is a refusal, not a
question. No location carries a password: it is seen in process lists, logs and the status. Each file below belongs to
the daemon's user, with the mode 0600. After a change of the settings: restart the daemon, then
\`pilothouse backup now ENVIRONMENT --wait\`; a failure says what to look at. Points that were made at the place before are
kept and found there.

### sftp

Needs ssh on the host (\`openssh-client\`), and on the server an account with sftp that may write to the folder. As root on
the host, with the server \`vault.example\` on port 2222 and the account \`points\`:

\`\`\`sh
ssh-keygen -q -t ed25519 -N '' -f /etc/pilothouse/sftp-key
ssh-keyscan -p 2222 -t ed25519 vault.example > /etc/pilothouse/sftp-known-hosts
ssh-keygen -l -f /etc/pilothouse/sftp-known-hosts
\`\`\`

Compare the fingerprint with the server's own (\`ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub\` there), and append
\`/etc/pilothouse/sftp-key.pub\` to the account's \`~/.ssh/authorized_keys\`. Then, in the settings:

\`\`\`json
{
  "backups": {
    "base": "sftp://points@vault.example:2222//srv/points",
    "sftpKeyFile": "/etc/pilothouse/sftp-key",
    "sftpKnownHostsFile": "/etc/pilothouse/sftp-known-hosts"
  }
}
\`\`\`

The path is absolute and follows the slash that ends the port, hence the two. On port 22
\`sftp:points@vault.example:/srv/points\` is enough. Without the two files the configuration of ssh of the
daemon's user counts (\`/root/.ssh/config\`, \`known_hosts\`, keys, jump hosts), and the host in the location may be an alias
in it. Restores and backups open connections of their own, without a shared one.

### rest

A server of restic's REST protocol, such as rest-server. Its user and password are one line in a file, \`points:PASSWORD\`,
and may change while the daemon runs. Take \`https\` where anything but the host itself is between them: with \`http\` the
password is sent as it is. The certificate of an authority of your own belongs among the system's
(\`/usr/local/share/ca-certificates\`, \`update-ca-certificates\`).

\`\`\`json
{
  "backups": {
    "base": "rest:https://vault.example:8000/points/",
    "restCredentialsFile": "/etc/pilothouse/rest-credentials"
  }
}
\`\`\`

### s3

Amazon's or any server of the same protocol. The bucket is made where it is absent and the keys allow that.

\`\`\`json
{
  "backups": {
    "base": "s3:https://s3.example/bucket/points",
    "s3CredentialsFile": "/etc/pilothouse/s3-credentials"
  }
}
\`\`\`

\`\`\`ini
[default]
aws_access_key_id = KEY
aws_secret_access_key = SECRET
\`\`\`
`
