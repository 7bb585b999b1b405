<?php
// PHPUnit: a listener that receives callbacks; copy it, and keep your own payOut().

use PHPUnit\Framework\TestCase;

final class PayoutTest extends TestCase
{
    private $process;
    private array $ready;

    private static function start(array $arguments, ?array &$pipes)
    {
        $program = getenv('PAYOUT_NOTIFY') ?: 'payout-notify';
        $environment = ['PAYOUT_NOTIFY_KEY' => 'ThisIsYourSecretKey123'] + getenv();
        $streams = [['pipe', 'r'], ['pipe', 'w'], ['file', '/dev/null', 'w']];
        return proc_open([$program, ...$arguments], $streams, $pipes, null, $environment);
    }

    protected function setUp(): void
    {
        $inbox = tempnam(sys_get_temp_dir(), 'listener-') . '.db';
        $listen = ['listen', '--bind', ':0', '--api', '--quiet', '--format', 'json', '--inbox', $inbox];
        $this->process = self::start($listen, $pipes);
        $this->ready = json_decode(fgets($pipes[1]), true, flags: JSON_THROW_ON_ERROR);
    }

    protected function tearDown(): void
    {
        proc_terminate($this->process);
    }

    private function ask(string $path, ?array $body = null, string $method = 'GET'): array
    {
        ['url' => $url, 'token' => $token] = $this->ready['api'];
        $headers = "Authorization: Bearer $token\r\nContent-Type: application/json\r\n";
        $http = ['method' => $method, 'header' => $headers, 'content' => $body === null ? '' : json_encode($body)];
        return json_decode(file_get_contents($url . $path, false, stream_context_create(['http' => $http])), true);
    }

    /** Stands in for your application, which asks the platform for a payout and names its notify URL. */
    private static function payOut(string $order, string $notifyUrl): void
    {
        $process = self::start(['simulate', $notifyUrl, '-', '--schedule', '50ms'], $pipes);
        fwrite($pipes[0], json_encode(['payout_id' => $order, 'payout_cl_id' => 'c-1', 'platform_id' => 'PF0014', 'amount' => 5000,
            'real_amount' => 5000, 'fee' => 0, 'status' => 3, 'create_time' => 1567614049, 'update_time' => 1567614111]));
        fclose($pipes[0]);
        stream_get_contents($pipes[1]);
    }

    public function testAPayoutIsNotifiedAgainUntilItIsAcknowledged(): void
    {
        $this->ask('/replies', ['reply' => 'fail, ok'], 'PUT');
        self::payOut('PO-1', $this->ready['url']);
        $conditions = ['order' => 'PO-1', 'status' => 'success', 'verdict' => 'valid', 'count' => 2, 'within' => '10s'];
        $waited = $this->ask('/callbacks/wait?' . http_build_query($conditions));
        self::assertSame(0, $waited['missing']);
        self::assertSame([500, 200], array_column($waited['callbacks'], 'reply_status'));
    }
}
