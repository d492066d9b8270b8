use anyhow::Context;
use std::path::Path;
use tokio::process::Command;

use crate::{
    binaries::Binaries,
    database::Database,
    ingress::{Backends, Ingress},
    map_parts::{map_assets, spatial_extension},
    martin::Martin,
    ports::free_port,
    run::output,
    scratch::Scratch,
    service::{Plan, Role},
    system::UNLIMITED,
    workspace,
};

/// What a running system has besides, where there is a map to look at.
#[derive(Debug)]
pub(crate) struct Map {
    ingress: Ingress,
    martin: Martin,
    _base_map: Scratch,
}

impl Map {
    /// Draws the base map of the bundled city, starts Martin and the one origin, plans a tile server, and tells the other
    /// services of it.
    pub async fn start(
        programs: &Binaries,
        database: &Database,
        logs: &Path,
        plans: &mut Vec<Plan>,
    ) -> anyhow::Result<Self> {
        let base_map = Scratch::new("base-map")?;
        let mut build = Command::new(programs.find("tile-server")?);
        build.arg("build").arg("--extract").arg(workspace::bundled_city());
        build.arg("--out").arg(base_map.path().join("base.duckdb"));
        output(build.arg("--spatial-extension").arg(spatial_extension())).await?;
        let martin =
            Martin::start_with_log(&database.url_as("martin_ro"), logs.join("martin.log"), None).await?;

        let public_port = free_port()?;
        let public = format!("http://127.0.0.1:{public_port}");
        let mut tile_server = Plan::new(Role::TileServer)?;
        let settings = [
            ("SOURCES", workspace::root().join("config/tile-sources.yaml")),
            ("DATA_DIR", base_map.path().into()),
            ("SCRATCH_DIR", base_map.path().into()),
            ("SPATIAL_EXTENSION", spatial_extension()),
            ("ASSETS_DIR", map_assets()),
        ];
        tile_server.env.extend(settings.map(|(name, value)| (name.to_owned(), value.display().to_string())));
        tile_server.env.extend(UNLIMITED.map(|(name, value)| (name.to_owned(), value.to_owned())));
        plans.push(tile_server);
        for plan in &mut *plans {
            let origins = plan.env.iter_mut().find(|(name, _)| name == "ALLOWED_ORIGINS");
            if let Some((_, origins)) = origins {
                *origins = format!("{origins},{public}");
            }
            plan.env.push(("PUBLIC_URL".into(), public.clone()));
            plan.env.push(("MARTIN_URL".into(), martin.url()));
        }
        let place = |role| {
            let port = plans.iter().find(|plan| plan.role == role).and_then(|plan| plan.port);
            port.map(|port| format!("127.0.0.1:{port}")).with_context(|| format!("a map needs a {role:?}"))
        };
        let backends = Backends {
            gateway: place(Role::Gateway)?,
            notifier: place(Role::Notifier)?,
            tile_server: place(Role::TileServer)?,
            martin: martin.url().replace("http://", ""),
        };
        let ingress = Ingress::start(public_port, backends).await?;
        Ok(Self { ingress, martin, _base_map: base_map })
    }

    pub fn public_url(&self) -> &str {
        self.ingress.url()
    }

    pub fn martin(&self) -> &Martin {
        &self.martin
    }
}
