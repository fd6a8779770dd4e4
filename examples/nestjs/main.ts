/** Holdfast inside a NestJS application. */
import "reflect-metadata"
import { readFileSync } from "node:fs"
import { MemoryStore } from "@holdfast/domain"
import * as Access from "@holdfast/http/Access"
import * as NodeHandler from "@holdfast/http/NodeHandler"
import { PgStore } from "@holdfast/persistence"
import {
  type BeforeApplicationShutdown,
  Body,
  Controller,
  Get,
  HttpCode,
  Injectable,
  Module,
  Post,
} from "@nestjs/common"
import { NestFactory } from "@nestjs/core"
import { Layer, Redacted } from "effect"

const {
  PORT = "3000",
  DATABASE_URL,
  BITGO_PUBLIC_KEY_FILE = "",
  OPERATOR_TOKEN = "",
  SIGNATURE_BODY_CLAIM,
  TRUSTED_PROXIES = "",
} = process.env

const access = Access.layer({
  publicKeys: [{ name: "network", pem: readFileSync(BITGO_PUBLIC_KEY_FILE, "utf8") }],
  operatorTokens: [Redacted.make(OPERATOR_TOKEN)],
  bodyClaim: SIGNATURE_BODY_CLAIM,
  trustedProxies: TRUSTED_PROXIES.split(",").filter((address) => address !== ""),
})
const store = DATABASE_URL ? PgStore.layer({ connection: { url: Redacted.make(DATABASE_URL) } }) : MemoryStore.layer()

const holdfast = await NodeHandler.make(Layer.merge(access, store))

@Controller("hello")
class HelloController {
  @Get()
  hello() {
    return { hello: "world" }
  }

  @Post()
  @HttpCode(200)
  greet(@Body() body: { name: string }) {
    return { hello: body.name }
  }
}

@Injectable()
class HoldfastLifetime implements BeforeApplicationShutdown {
  beforeApplicationShutdown() {
    return holdfast.dispose()
  }
}

@Module({ controllers: [HelloController], providers: [HoldfastLifetime] })
class AppModule {}

const app = await NestFactory.create(AppModule)
// Nest adds its parser of bodies when it listens, behind this: signatures are about the bytes.
app.use(holdfast.handler)
app.enableShutdownHooks()
await app.listen(Number(PORT), "127.0.0.1")
