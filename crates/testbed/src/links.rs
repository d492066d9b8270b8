use anyhow::Context;
use std::{fs, path::Path};

use crate::{authority::write_private, database::Database, nats::Nats, redis::Redis};

/// The servers of one system, and how each program is told of them: as a user of its own, its secrets as files.
pub(crate) struct Links<'a> {
    pub database: &'a Database,
    pub nats: &'a Nats,
    pub redis: &'a Redis,
    pub session_key: &'a str,
    /// The folder of the files.
    pub secrets: &'a Path,
    pub are_open: bool,
}

impl Links<'_> {
    /// The environment of a program. What a program has no use for is harmless.
    pub fn of(&self, program: &str) -> anyhow::Result<Vec<(&'static str, String)>> {
        let session_key = ("SESSION_KEY_FILE", self.secret(program, "session-key", self.session_key)?);
        if self.are_open {
            let places = [
                ("DATABASE_URL", self.database.url()),
                ("NATS_URL", self.nats.url()),
                ("REDIS_URL", self.redis.url()),
                session_key,
            ];
            return Ok(places.into());
        }
        let role = format!("wildside_{}", program.replace('-', "_"));
        let passwords = [
            ("DATABASE_PASSWORD_FILE", "database", self.database.cluster().password_of(&role)),
            ("NATS_PASSWORD_FILE", "nats", self.nats.password_of(program)),
            ("REDIS_PASSWORD_FILE", "redis", self.redis.password_of(program)),
        ];
        let mut env = vec![
            ("DATABASE_URL", self.database.url_without_password(&role)),
            ("NATS_URL", format!("tls://{}", self.nats.address())),
            ("NATS_USER", program.to_owned()),
            ("REDIS_URL", format!("rediss://{program}@{}", self.redis.address())),
            ("TLS_CA_FILE", crate::authority::ours()?.authority.ca_file().display().to_string()),
            session_key,
        ];
        for (variable, name, password) in passwords {
            env.push((variable, self.secret(program, name, &password)?));
        }
        Ok(env)
    }

    /// Writes a secret into a file, as an editor would, and returns its name.
    fn secret(&self, program: &str, name: &str, secret: &str) -> anyhow::Result<String> {
        let dir = self.secrets.join(program);
        fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
        let file = dir.join(name);
        write_private(&file, &format!("{secret}\n"))?;
        Ok(file.display().to_string())
    }
}
