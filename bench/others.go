package main

import (
	"fmt"
	"strings"
)

// The settings of each are explained in README.md.

var (
	nginx    = nginxWith("nginx", "auto")
	nginxOne = nginxWith("nginx, 1 worker", "1")
)

func nginxWith(name, workers string) contender {
	return withConfig(name, "nginx", "nginx.conf", nginxArgs, func(dir, listen string, to backends) string {
		return fmt.Sprintf(nginxConf, dir, "", to.live, listen, "", "", workers)
	})
}

var nginxMirror = withConfig("nginx mirror", "nginx", "nginx.conf", nginxArgs, func(dir, listen string, to backends) string {
	upstream := fmt.Sprintf("upstream shadow { server %s; keepalive 64; keepalive_requests 100000000; }", to.shadow)
	const target = "location = /mirror { internal; proxy_pass http://shadow$request_uri; }"
	return fmt.Sprintf(nginxConf, dir, upstream, to.live, listen, "mirror /mirror; mirror_request_body on;", target, "auto")
})

func nginxArgs(file string) []string { return []string{"-c", file} }

const nginxConf = `
daemon off;
worker_processes %[7]s;
pid %[1]s/nginx.pid;
error_log stderr warn;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  tcp_nodelay on;
  keepalive_timeout 300s;
  keepalive_requests 100000000;
  client_body_buffer_size 128k;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $http_host;
  proxy_buffer_size 8k;
  proxy_buffers 16 8k;
  upstream live { server %[3]s; keepalive 64; keepalive_requests 100000000; }
  %[2]s
  server {
    listen %[4]s backlog=4096;
    location / { proxy_pass http://live; %[5]s }
    %[6]s
  }
}
`

var haproxy = withConfig("HAProxy", "haproxy", "haproxy.cfg",
	func(file string) []string { return []string{"-db", "-f", file} },
	func(_, listen string, to backends) string {
		return fmt.Sprintf(`
global
  nbthread 2
  maxconn 4096
  tune.bufsize 16384
defaults
  mode http
  option http-keep-alive
  http-reuse always
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  timeout http-keep-alive 300s
frontend in
  bind %s
  default_backend live
backend live
  server one %s pool-max-conn 256
`, listen, to.live)
	})

var caddy = withConfig("Caddy", "caddy", "Caddyfile",
	func(file string) []string { return []string{"run", "--adapter", "caddyfile", "--config", file} },
	func(_, listen string, to backends) string {
		return fmt.Sprintf(`
{
  admin off
  auto_https off
  log {
    output discard
  }
}
http://:%s {
  bind 127.0.0.1
  reverse_proxy %s {
    transport http {
      keepalive 300s
      keepalive_idle_conns 256
      keepalive_idle_conns_per_host 256
      compression off
    }
  }
}
`, port(listen), to.live)
	})

func port(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }
